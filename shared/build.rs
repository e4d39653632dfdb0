//! The built-in datasets are part of the crate: a file that comes or goes below `datasets/` makes it new.

fn main() {
    println!("cargo:rerun-if-changed=datasets");
}
