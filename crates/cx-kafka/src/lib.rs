//! The ear: the only room that knows Kafka.
