//! The display is built by npm, not here; without it the gateway serves a page that says so.

fn main() -> std::io::Result<()> {
    std::fs::create_dir_all("display/dist")?;
    println!("cargo::rerun-if-changed=display/dist");
    Ok(())
}
