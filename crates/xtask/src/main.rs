//! in work
fn main() {}
