//! Writes meter data with planted cases of theft below a folder: `sample-meters lake/raw/meters`.

use std::path::Path;

use integration::meters::{DAYS, Generator, day};

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(folder), None) = (arguments.next().filter(|folder| !folder.starts_with('-')), arguments.next()) else {
        return Err(std::io::Error::other("usage: sample-meters FOLDER"));
    };
    let mut generator = Generator::new(1);
    generator.clean(10, day(DAYS - 60), day(DAYS));
    generator.thefts();
    for (name, text) in generator.finish().files {
        let path = Path::new(&folder).join(name);
        // What has not changed keeps its time, so that the same demo has nothing to do twice.
        if std::fs::read(&path).is_ok_and(|there| there == text.as_bytes()) {
            continue;
        }
        path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
        std::fs::write(path, text)?;
    }
    Ok(())
}
