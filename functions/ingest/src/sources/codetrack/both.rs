//! The two lists of weeks.

use std::ops::{Index, IndexMut};

/// One of the lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Commits,
    Points,
}

impl Kind {
    /// Both. The points come last: they are cleaned together with the commits.
    pub const BOTH: [Kind; 2] = [Kind::Commits, Kind::Points];
}

/// Something of each list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Both<T> {
    pub commits: T,
    pub points: T,
}

impl<T> Both<T> {
    /// What is made for each list.
    pub fn each(mut make: impl FnMut(Kind) -> T) -> Self {
        Self { commits: make(Kind::Commits), points: make(Kind::Points) }
    }
}

impl<T> Index<Kind> for Both<T> {
    type Output = T;

    fn index(&self, list: Kind) -> &T {
        match list {
            Kind::Commits => &self.commits,
            Kind::Points => &self.points,
        }
    }
}

impl<T> IndexMut<Kind> for Both<T> {
    fn index_mut(&mut self, list: Kind) -> &mut T {
        match list {
            Kind::Commits => &mut self.commits,
            Kind::Points => &mut self.points,
        }
    }
}
