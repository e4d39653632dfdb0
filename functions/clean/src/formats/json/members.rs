//! Finds the declared members of a row in one pass over its bytes.

use lake::dataset::Column;

use super::text::{JsonText, Kind, unescape};
use crate::formats::columns::Field;
use lake::json::unescaped;
use lake::names::is_same;

/// The most keys of one object that are remembered, and the longest of them.
const MAX_KNOWN: usize = 128;
const MAX_KEY: usize = 128;
/// The longest pointer that is followed.
const MAX_PARTS: usize = 32;

/// Which members of a row hold the values of columns, and where they are in the present row.
pub(super) struct Members {
    /// A node for the row itself, and one for each part of a declared path. The row's is the first.
    nodes: Vec<Node>,
    /// For each column, the nodes of its fields: the first that the row has counts. `None`: no member holds it.
    columns: Vec<Vec<usize>>,
    /// The nodes of members of the row itself that are known without regard to case and white space.
    fields: Vec<(String, usize)>,
    /// Whether all pointers can be followed.
    is_sound: bool,
    unescaped: Vec<u8>,
}

/// A member of a row, at any depth.
#[derive(Default)]
struct Node {
    /// The members below that lead to declared ones, by name.
    children: Vec<(Vec<u8>, usize)>,
    /// The same by index, if the value is a list.
    items: Vec<(usize, usize)>,
    /// Nodes are numbered in depth-first order: all below this one are those before this number.
    below: usize,
    /// Keys in the order in which they were first seen, and where they lead.
    known: Vec<(KnownKey, Option<Lead>)>,
    found: Option<Place>,
    /// Whether it was found by its very name.
    is_exact: bool,
}

/// Where a key leads.
#[derive(Debug, Clone, Copy)]
struct Lead {
    node: usize,
    /// Whether it is the very name of the node.
    is_exact: bool,
}

/// A key as it mostly stands in a row: in quotes, and with its colon.
struct KnownKey(Vec<u8>);

impl KnownKey {
    fn new(key: &[u8]) -> Self {
        Self([b"\"", key, b"\":"].concat())
    }

    fn key(&self) -> &[u8] {
        self.0.get(1..self.0.len().saturating_sub(2)).unwrap_or_default()
    }
}

/// A value: in the row's text, or among the unescaped ones.
#[derive(Debug, Clone, Copy)]
struct Place {
    kind: Kind,
    start: usize,
    end: usize,
}

impl Members {
    /// By the columns' declarations.
    pub(super) fn new(columns: &[Column]) -> Self {
        let mut paths: Vec<Vec<String>> = Vec::new();
        let of_columns: Vec<Vec<usize>> = columns
            .iter()
            .map(|column| {
                paths_of(column)
                    .into_iter()
                    .map(|path| {
                        paths.push(path);
                        paths.len() - 1
                    })
                    .collect()
            })
            .collect();
        let mut tree = Tree::default();
        for (number, path) in paths.iter().enumerate() {
            tree.add(path, number);
        }
        let mut members =
            Self { nodes: Vec::new(), columns: Vec::new(), fields: Vec::new(), is_sound: true, unescaped: Vec::new() };
        let mut node_of = vec![0; paths.len()];
        let has_joined = columns.iter().any(|column| !column.joined.is_empty());
        members.is_sound = !has_joined && paths.iter().all(|path| path.len() <= MAX_PARTS);
        members.grow(&tree, &mut node_of);
        members.columns = of_columns
            .into_iter()
            .map(|paths| paths.into_iter().filter_map(|path| node_of.get(path).copied()).collect())
            .collect();
        members.know_fields(columns);
        members
    }

    /// Takes note of the fields, which are known without regard to case and white space.
    fn know_fields(&mut self, columns: &[Column]) {
        for (column, nodes) in columns.iter().zip(&self.columns) {
            let names = column.fields().filter(|_| column.path.is_none());
            self.fields.extend(names.map(str::to_owned).zip(nodes.iter().copied()));
        }
        self.fields.sort_unstable();
        self.fields.dedup();
        let is_leaf = |node: &usize| self.nodes.get(*node).is_some_and(|node| node.children.is_empty());
        let are_apart =
            |one: &usize, other: &usize| self.columns.iter().any(|nodes| nodes.contains(one) != nodes.contains(other));
        let has_twin = |(at, (name, node)): (usize, &(String, usize))| {
            let mut others = self.fields.iter().skip(at + 1);
            others.any(|(other, twin)| is_same(name, other) && are_apart(node, twin))
        };
        // Which of two such names is meant, a parser decides, and so it does where a pointer names a field.
        let of_pointers = columns.iter().zip(&self.columns).filter(|(column, _)| column.path.is_some());
        let mut of_pointers = of_pointers.flat_map(|(_, nodes)| nodes);
        let is_clear = !self.fields.iter().enumerate().any(has_twin)
            && !of_pointers.any(|node| self.fields.iter().any(|(_, field)| field == node));
        self.is_sound &= is_clear && self.fields.iter().all(|(_, node)| is_leaf(node));
    }

    /// Adds the nodes of a tree; returns the number of its root.
    fn grow(&mut self, tree: &Tree, node_of: &mut [usize]) -> usize {
        let number = self.nodes.len();
        self.nodes.push(Node::default());
        for path in &tree.paths {
            if let Some(node) = node_of.get_mut(*path) {
                *node = number;
            }
        }
        let mut node = Node::default();
        for (name, child) in &tree.children {
            let child = self.grow(child, node_of);
            node.children.push((name.as_bytes().to_vec(), child));
            if let Ok(index) = name.parse::<usize>() {
                // Such as 1 and 01.
                self.is_sound &= node.items.iter().all(|(known, _)| *known != index);
                node.items.push((index, child));
            }
        }
        node.below = self.nodes.len();
        if let Some(place) = self.nodes.get_mut(number) {
            *place = node;
        }
        number
    }

    /// Finds the members of the row that the text begins with: the row's length. `None` if a parser must say what is
    /// there.
    pub(super) fn find(&mut self, row: &[u8]) -> Option<usize> {
        if !self.is_sound {
            return None;
        }
        self.unescaped.clear();
        self.nodes.iter_mut().for_each(|node| node.found = None);
        let mut text = JsonText::new(row);
        text.peek().filter(|byte| *byte == b'{')?;
        self.object(0, &mut text)?;
        for found in self.nodes.iter_mut().filter_map(|node| node.found.as_mut()) {
            if found.kind == Kind::Escaped {
                let start = self.unescaped.len();
                unescape(row.get(found.start..found.end)?, &mut self.unescaped)?;
                (found.start, found.end) = (start, self.unescaped.len());
            }
        }
        // A NUL in a text is refused by the rules in full.
        memchr::memchr(0, &self.unescaped).map_or(Some(()), |_| None)?;
        Some(text.at)
    }

    /// Whether the row that was found last has any member that a column is read from. True if none is.
    #[inline]
    pub(super) fn has_any(&self) -> bool {
        let mut nodes = self.columns.iter().flatten().peekable();
        let is_found = |node: &usize| self.nodes.get(*node).is_some_and(|node| node.found.is_some());
        nodes.peek().is_none() || nodes.any(is_found)
    }

    /// Whether the row that was found last has the member of a column.
    pub(super) fn has(&self, column: usize) -> bool {
        let mut nodes = self.columns.get(column).into_iter().flatten();
        nodes.any(|node| self.nodes.get(*node).is_some_and(|node| node.found.is_some()))
    }

    /// Names of members of rows so far that no column is read from.
    pub(super) fn others(&self) -> impl Iterator<Item = &str> {
        let known = self.nodes.first().into_iter().flat_map(|row| &row.known);
        known.filter(|(_, lead)| lead.is_none()).filter_map(|(key, _)| std::str::from_utf8(key.key()).ok())
    }

    /// Whether a node was found by its very name in the present row.
    fn is_exact(&self, node: usize) -> bool {
        self.nodes.get(node).is_some_and(|node| node.found.is_some() && node.is_exact)
    }

    /// The value of a column in the row that was found last.
    #[inline]
    pub(super) fn field<'v>(&'v self, row: &'v [u8], column: usize) -> Field<'v> {
        let nodes = self.columns.get(column).into_iter().flatten();
        let found = nodes.filter_map(|node| self.nodes.get(*node)?.found).next();
        let Some(Place { kind, start, end }) = found else { return Field::Missing };
        let text = |from: &'v [u8]| from.get(start..end).unwrap_or_default();
        match kind {
            Kind::Null => Field::Missing,
            Kind::Bool(truth) => Field::Bool(truth),
            Kind::Number => Field::Number(text(row)),
            Kind::Plain => Field::Text(text(row)),
            Kind::Escaped => Field::Text(text(&self.unescaped)),
            Kind::Object | Kind::List => Field::Nested,
        }
    }

    /// Goes past the object at a node.
    fn object(&mut self, number: usize, text: &mut JsonText) -> Option<()> {
        text.expect(b'{')?;
        if text.peek()? == b'}' {
            text.at += 1;
            return Some(());
        }
        let mut next = 0;
        loop {
            match self.key(number, &mut next, text)? {
                Some(lead) if lead.is_exact || !self.is_exact(lead.node) => {
                    self.value(lead.node, text)?;
                    let node = self.nodes.get_mut(lead.node)?;
                    node.is_exact = lead.is_exact;
                }
                _ => text.skip()?,
            }
            if !text.either(b',', b'}')? {
                return Some(());
            }
        }
    }

    /// Goes past a key and its colon: the node that it leads to. Rows mostly have the same keys in the same order, so that
    /// the next key is the one at `next` of those that are known.
    #[inline]
    fn key(&mut self, number: usize, next: &mut usize, text: &mut JsonText) -> Option<Option<Lead>> {
        text.peek()?;
        let Node { known, children, .. } = self.nodes.get_mut(number)?;
        if let Some((key, child)) = known.get(*next)
            && (text.goes_past(&key.0) || text.key(key.key()).is_some())
        {
            *next += 1;
            return Some(*child);
        }
        text.expect(b'"')?;
        let (start, end, is_escaped) = text.string()?;
        if is_escaped {
            return None;
        }
        text.expect(b':')?;
        let key = text.slice(start, end);
        if let Some(at) = known.iter().position(|(known, _)| known.key() == key) {
            *next = at + 1;
            return Some(known.get(at)?.1);
        }
        let child = children.iter().find(|(name, _)| name == key).map(|(_, node)| Lead { node: *node, is_exact: true });
        let same = || {
            let key = std::str::from_utf8(key).ok().filter(|_| number == 0)?;
            let (_, node) = self.fields.iter().find(|(name, _)| is_same(name, key))?;
            Some(Lead { node: *node, is_exact: false })
        };
        let child = child.or_else(same);
        if key.len() <= MAX_KEY && known.len() < MAX_KNOWN {
            known.push((KnownKey::new(key), child));
            *next = known.len();
        }
        Some(child)
    }

    /// Goes past the value of a declared member, and notes where it is. Of members with one name the last counts, with
    /// all that is in it.
    fn value(&mut self, number: usize, text: &mut JsonText) -> Option<()> {
        let (kind, start, end) = text.scalar()?;
        let below = self.nodes.get(number)?.below;
        self.nodes.get_mut(number..below)?.iter_mut().for_each(|node| node.found = None);
        let node = self.nodes.get_mut(number)?;
        node.found = Some(Place { kind, start, end });
        match kind {
            Kind::Object if !node.children.is_empty() => self.object(number, text),
            Kind::List if !node.items.is_empty() => self.list(number, text),
            Kind::Object | Kind::List => text.skip(),
            _ => Some(()),
        }
    }

    /// Goes past the list at a node.
    fn list(&mut self, number: usize, text: &mut JsonText) -> Option<()> {
        text.expect(b'[')?;
        if text.peek()? == b']' {
            text.at += 1;
            return Some(());
        }
        let mut index = 0;
        loop {
            let child =
                self.nodes.get(number)?.items.iter().find(|(known, _)| *known == index).map(|(_, child)| *child);
            match child {
                Some(child) => self.value(child, text)?,
                None => text.skip()?,
            }
            index += 1;
            if !text.either(b',', b']')? {
                return Some(());
            }
        }
    }
}

/// Declared paths by their first parts.
#[derive(Default)]
struct Tree<'a> {
    children: Vec<(&'a str, Tree<'a>)>,
    /// The numbers of the paths that end here.
    paths: Vec<usize>,
}

impl<'a> Tree<'a> {
    fn add(&mut self, path: &'a [String], number: usize) {
        let mut tree = self;
        for part in path {
            let at = match tree.children.iter().position(|(name, _)| name == part) {
                Some(at) => at,
                None => {
                    tree.children.push((part, Tree::default()));
                    tree.children.len() - 1
                }
            };
            let Some((_, child)) = tree.children.get_mut(at) else { return };
            tree = child;
        }
        tree.paths.push(number);
    }
}

/// The paths of a column's fields in a row; none if its value comes from elsewhere.
fn paths_of(column: &Column) -> Vec<Vec<String>> {
    if column.day_of.is_some() {
        return Vec::new();
    }
    match (&column.path, &column.request) {
        (Some(pointer), _) => parts(pointer).into_iter().collect(),
        (_, Some(_)) => Vec::new(),
        _ => column.fields().map(|name| vec![name.to_owned()]).collect(),
    }
}

/// The parts of a JSON pointer such as `/a/0/b`; `None` if it is none.
fn parts(pointer: &str) -> Option<Vec<String>> {
    Some(pointer.strip_prefix('/')?.split('/').map(unescaped).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(paths: &[&str]) -> Vec<Column> {
        let declared = |path: &&str| format!("type = 'string'\npath = '{path}'");
        paths.iter().map(|path| Column::from_declaration(&declared(path)).unwrap()).collect()
    }

    #[test]
    fn usual_rows_are_found_in_one_pass() {
        let columns = columns(&["/a", "/b/c/1", "/z"]);
        let mut members = Members::new(&columns);
        for (row, values) in [
            (
                r#"{"a":1.50,"b":{"c":[{},"x"]},"z":null}, "#,
                [Field::Number(b"1.50"), Field::Text(b"x"), Field::Missing],
            ),
            (
                r#"{ "z" : true , "a":"\u00e9\/", "b":{"c":[1]}}"#,
                [Field::Text("é/".as_bytes()), Field::Missing, Field::Bool(true)],
            ),
            (r#"{"y":[{"a":[[]]},-0.5E+3,false],"b":{"c":[0,{}]},"b":7}"#, [Field::Missing; 3]),
        ] {
            let length = members.find(row.as_bytes());
            assert_eq!(length, Some(row.rfind('}').unwrap() + 1), "{row}");
            assert_eq!([0, 1, 2].map(|column| members.field(row.as_bytes(), column)), values, "{row}");
        }
    }

    #[test]
    fn what_is_no_json_is_left_to_a_parser() {
        let columns = columns(&["/a"]);
        let mut members = Members::new(&columns);
        let deep = format!("{{\"b\":{}{}}}", "[".repeat(70), "]".repeat(70));
        for row in [
            "",
            "{",
            "[1]",
            "{\"a\"}",
            "{\"a\":1,}",
            "{,}",
            "{\"b\":[1,]}",
            "{\"b\":[1}]",
            "{\"b\":{\"c\":1]}",
            "{\"a\":01}",
            "{\"a\":1.}",
            "{\"a\":.5}",
            "{\"a\":1e}",
            "{\"a\":+1}",
            "{\"a\":-}",
            "{\"a\":tru}",
            "{\"a\":\"\n\"}",
            "{\"a\":\"\\x\"}",
            "{\"a\":\"\\u12g4\"}",
            "{\"a\":\"\\ud800\"}",
            "{\"\\u0061\":1}",
            "{'a':1}",
            "{\"a\":NaN}",
            "{\"a\" 1}",
            &deep,
        ] {
            assert_eq!(members.find(row.as_bytes()), None, "{row}");
        }
    }
}
