//! Rows that are elements of a list in another row: each one sees the rows around it.

use lake::dataset::Column;
use serde_json::value::RawValue;

use super::{JsonRows, field, has_any, no_members, refusal, repeated};
use crate::error::Stop;
use crate::formats::columns::Record;
use crate::writer::Sink;
use lake::json::{Json, Object};
use lake::value::Raw;

impl JsonRows<'_> {
    /// Adds the rows within a row. `record` is where it stands; with row 0, the rows are numbered as they come.
    pub(super) fn explode(&mut self, parent: Object, record: Record, sink: &mut dyn Sink) -> Result<(), Stop> {
        let exploded = self.exploded;
        self.within(&mut vec![parent], exploded, record, sink)
    }

    /// The same for the innermost of rows, and the lists that are still to be gone into.
    fn within<'v>(
        &mut self,
        family: &mut Vec<Object<'v>>,
        exploded: &[String],
        record: Record,
        sink: &mut dyn Sink,
    ) -> Result<(), Stop> {
        let numbered = Record { row: if record.row == 0 { self.seen + 1 } else { record.row }, ..record };
        let Some((pointer, deeper)) = exploded.split_first() else { return self.add_family(family, numbered, sink) };
        if let Some(name) = family.last().and_then(|row| row.repeated(pointer)) {
            return self.reject(numbered, repeated(&name, "row"), sink);
        }
        let list = family.last().and_then(|row| row.pointer(pointer));
        let items: Vec<&'v RawValue> = match list.map(|list| (Json::of(list), list)) {
            Some((Ok(Json::List(_)), list)) => match serde_json::from_str(list.get()) {
                Ok(items) => items,
                Err(_) => return self.reject(numbered, refusal("the list", list.get().as_bytes()), sink),
            },
            Some((Ok(Json::Null), _)) | None => {
                let why = format!("the row has no list {pointer}, whose elements are the rows");
                return self.reject(numbered, ("no_rows", why), sink);
            }
            Some(_) => {
                let why = format!("{pointer}, whose elements are the rows, is not a list");
                return self.reject(numbered, ("not_a_list", why), sink);
            }
        };
        // A row that is there is counted, also where nothing becomes of it.
        if items.is_empty() {
            let why = format!("the list {pointer} of the row, whose elements are the rows, is empty");
            return self.reject(numbered, ("no_rows", why), sink);
        }
        for item in items {
            let text = item.get().as_bytes();
            let own = Record { text, ..record };
            match Json::of(item) {
                Ok(Json::Object(row)) => {
                    family.push(row);
                    let done = self.within(family, deeper, own, sink);
                    family.pop();
                    done?;
                }
                _ => {
                    let row = if record.row == 0 { self.seen + 1 } else { record.row };
                    self.reject(Record { row, ..own }, refusal("the element", text), sink)?;
                }
            }
        }
        Ok(())
    }

    /// Adds the innermost of rows, with values of those around it.
    fn add_family(&mut self, family: &[Object], record: Record, sink: &mut dyn Sink) -> Result<(), Stop> {
        let Some(row) = family.last() else { return Ok(()) };
        if !has_any(self.declared, row) {
            let refusal = no_members(self.declared);
            return self.reject(record, refusal, sink);
        }
        self.seen += 1;
        self.absent.pass_row(row);
        self.columns.add_raw(record, sink, |_, column| family_field(column, family))
    }
}

/// The value of a column: each `^` before a path is the row around.
fn family_field<'v>(column: &Column, family: &[Object<'v>]) -> Raw<'v> {
    let path = column.path.as_deref().unwrap_or_default();
    let pointer = path.trim_start_matches('^');
    let levels = path.len() - pointer.len();
    let Some(row) = family.len().checked_sub(levels + 1).and_then(|at| family.get(at)) else { return Raw::Missing };
    if levels == 0 { field(column, row, &Object::default()) } else { row.pointer(pointer).into() }
}
