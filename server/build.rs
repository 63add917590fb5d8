//! Has cargo embed the migrations again when a file joins them; it knows nothing about what they do.

fn main() {
    println!("cargo::rerun-if-changed=../migrations");
}
