//! The mouth: the only room that knows HTTP and sockets.
