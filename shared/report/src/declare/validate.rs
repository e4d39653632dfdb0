//! From what is written to what is meant: each key fits its kind, and each name is there.

use std::collections::BTreeMap;

use toml::Spanned;
use words::suggest::nearest;

use super::file::{ChartFile, HeadlineFile, NumberFile, PageFile, ReportFile, ScaleFile};
use super::{As, Case, Chart, Headline, KeyNumber, Kind, Linked, Newest, Page, Report, Scale, Section};
use crate::mistake::Mistake;
use crate::{locale, outline, template};

/// More key numbers are no key numbers.
const KEY_NUMBERS: usize = 4;

/// The most letters of a page's name: file systems take 255 bytes.
const LONGEST_NAME: usize = 100;

/// A kind's name, the roles that it needs, and those that it may have.
const KINDS: [(Kind, &str, &[&str], &[&str]); 7] = [
    (Kind::Line, "line", &["x", "y"], &["series", "low", "high", "x_as", "limits", "zero"]),
    (Kind::Bars, "bars", &["x", "y"], &["series", "x_as", "limits", "horizontal"]),
    (Kind::Heatmap, "heatmap", &["x", "y", "value"], &["x_as", "y_as", "scale"]),
    (Kind::Calendar, "calendar", &["day", "value"], &["group", "scale"]),
    (
        Kind::Ranking,
        "ranking",
        &["label"],
        &["value", "detail", "group", "by", "groups", "line", "line_from", "line_to", "top", "zero"],
    ),
    (Kind::Table, "table", &["columns"], &["top"]),
    (Kind::Map, "map", &["longitude", "latitude", "value", "label"], &["scale", "outline", "top"]),
];

/// What all parts of a page refer to.
struct Names<'a> {
    text: &'a str,
    queries: BTreeMap<String, String>,
    scales: BTreeMap<String, Scale>,
    outlines: BTreeMap<String, Vec<Vec<[f64; 2]>>>,
}

impl Names<'_> {
    fn wrong(&self, at: usize, key: &str, why: String) -> Mistake {
        Mistake::new(self.text, Some(at), key, why)
    }

    fn sql(&self, at: usize, sql: Option<String>, query: Option<String>) -> Result<String, Mistake> {
        match (sql, query) {
            (Some(sql), None) if !sql.trim().is_empty() => {
                expand(&sql, &self.queries).map_err(|why| self.wrong(at, "sql", why))
            }
            (None, Some(name)) => self.queries.get(&name).cloned().ok_or_else(|| {
                let why = unknown("query", &name, self.queries.keys().map(String::as_str));
                self.wrong(at, "query", why)
            }),
            (Some(_), Some(_)) => {
                Err(self.wrong(at, "sql", "sql and query are both here: remove one of them".to_owned()))
            }
            _ => {
                let why = "it has no query: add sql = \"SELECT ...\", or query = \"NAME\" of one in [query]";
                Err(self.wrong(at, "sql", why.to_owned()))
            }
        }
    }
}

/// Queries whose `@NAME` have become subqueries.
fn expanded(queries: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, String> {
    let mut done: BTreeMap<String, String> = BTreeMap::new();
    while done.len() < queries.len() {
        let before = done.len();
        for (name, sql) in queries {
            if !done.contains_key(name) && references(sql).all(|other| done.contains_key(other)) {
                done.insert(name.clone(), expand(sql, &done)?);
            }
        }
        if done.len() == before {
            let mut left = queries.iter().filter(|(name, _)| !done.contains_key(*name));
            let missing = queries.values().flat_map(|sql| references(sql)).find(|name| !queries.contains_key(*name));
            return Err(match (missing, left.next()) {
                (Some(name), _) => unknown("query", name, queries.keys().map(String::as_str)),
                (None, Some((name, _))) => {
                    format!("\"{name}\" refers to itself by its @ names: queries may not go in circles")
                }
                (None, None) => String::new(),
            });
        }
    }
    Ok(done)
}

/// The names behind `@` in a query, where a table could stand.
fn references(sql: &str) -> impl Iterator<Item = &str> {
    parts(sql).into_iter().filter_map(|(_, name)| name)
}

/// A query cut at its `@NAME`.
fn parts(sql: &str) -> Vec<(&str, Option<&str>)> {
    let mut parts = Vec::new();
    let (mut rest, mut start) = (sql, 0);
    while let Some(at) = rest.get(start..).and_then(|tail| tail.find('@')).map(|at| at + start) {
        let (before, tail) = (rest.get(..at).unwrap_or_default(), rest.get(at + 1..).unwrap_or_default());
        let end = tail.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(tail.len());
        // Not within a word, as in an address.
        let stands = before.ends_with(|c: char| c.is_whitespace() || c == '(') && end > 0;
        if stands {
            parts.push((before, tail.get(..end)));
            rest = tail.get(end..).unwrap_or_default();
            start = 0;
        } else {
            start = at + 1;
        }
    }
    parts.push((rest, None));
    parts
}

fn expand(sql: &str, queries: &BTreeMap<String, String>) -> Result<String, String> {
    let mut out = String::new();
    for (before, name) in parts(sql) {
        out.push_str(before);
        if let Some(name) = name {
            let known = queries.keys().map(String::as_str);
            let inner = queries.get(name).ok_or_else(|| unknown("query", name, known))?;
            out.push_str(&format!("({})", inner.trim()));
        }
    }
    Ok(out)
}

/// What to say about a name that is not declared.
fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    let all: Vec<&str> = known.clone().collect();
    match nearest(name, known) {
        Some(nearest) => format!("there is no {what} \"{name}\"; did you mean \"{nearest}\"?"),
        None if all.is_empty() => format!("there is no {what} \"{name}\": declare it as [{what}.{name}]"),
        None => format!("there is no {what} \"{name}\"; there is {}", all.join(", ")),
    }
}

pub(super) fn report(text: &str, file: ReportFile) -> Result<Report, Mistake> {
    let wrong = |at: usize, key: &str, why: String| Mistake::new(text, Some(at), key, why);
    let mut words = BTreeMap::new();
    for (key, word) in file.words {
        if !locale::word_keys().any(|known| known == key.get_ref()) {
            let why = unknown("word", key.get_ref(), locale::word_keys());
            return Err(wrong(key.span().start, "words", why));
        }
        words.insert(key.into_inner(), word);
    }
    let mut scales = BTreeMap::new();
    for (name, declared) in file.scale {
        let at = declared.span().start;
        let scale = scale(declared.into_inner()).map_err(|why| wrong(at, &format!("scale.{name}"), why))?;
        scales.insert(name, scale);
    }
    let mut outlines = outline::built_in();
    outlines.extend(file.outline);
    let queries = expanded(&file.query).map_err(|why| Mistake::new(text, None, "query", why))?;
    let names = Names { text, queries, scales, outlines };
    let language = known_language(&names, file.language)?.unwrap_or_else(|| "en".to_owned());
    let source = Linked { text: file.source.unwrap_or_default(), url: file.source_url };
    let licence = Linked { text: file.licence.unwrap_or_default(), url: file.licence_url };
    if file.page.is_empty() {
        return Err(Mistake::new(text, None, "page", "there is no page: add [[page]] with a name and a title"));
    }
    let mut pages: Vec<Page> = Vec::new();
    for declared in file.page {
        let at = declared.name.span().start;
        let mut page = page(&names, declared)?;
        if pages.iter().any(|other| other.name == page.name) {
            return Err(wrong(at, "page.name", format!("two pages are called \"{}\": rename one", page.name)));
        }
        if page.language.is_empty() {
            page.language.clone_from(&language);
        }
        if page.source.text.is_empty() {
            page.source = source.clone();
        }
        if page.licence.text.is_empty() {
            page.licence = licence.clone();
        }
        page.words.clone_from(&words);
        pages.push(page);
    }
    Ok(Report { pages })
}

fn known_language(names: &Names, tag: Option<Spanned<String>>) -> Result<Option<String>, Mistake> {
    let Some(tag) = tag else { return Ok(None) };
    if !locale::is_known(tag.get_ref()) {
        let why = format!(
            "dates and numbers cannot be written in \"{}\": use en, en-US, nl, fr or de (with a country, such as nl-BE), \
             and put the words of another language into [words]",
            tag.get_ref()
        );
        return Err(names.wrong(tag.span().start, "language", why));
    }
    Ok(Some(tag.into_inner()))
}

fn scale(file: ScaleFile) -> Result<Scale, String> {
    let mut before: Option<f64> = None;
    let last = file.steps.len().saturating_sub(1);
    for (place, step) in file.steps.iter().enumerate() {
        let hex = step.colour.strip_prefix('#').unwrap_or_default();
        if hex.len() != 6 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(format!("\"{}\" is not a colour: write it as #rrggbb", step.colour));
        }
        match (step.to, before) {
            (None, _) if place < last => return Err(format!("only the last step has no `to`, not \"{}\"", step.label)),
            (Some(to), Some(before)) if to <= before => {
                return Err(format!("its steps ascend: `to` of \"{}\" must be above {before}", step.label));
            }
            (to, _) => before = to,
        }
    }
    if file.steps.is_empty() {
        return Err("it has no steps: add steps = [{ to = 5, label = \"...\", colour = \"#rrggbb\" }]".to_owned());
    }
    let source = Linked { text: file.source.unwrap_or_default(), url: file.source_url };
    Ok(Scale { title: file.title.unwrap_or_default(), source, steps: file.steps })
}

fn page(names: &Names, file: PageFile) -> Result<Page, Mistake> {
    let at = file.name.span().start;
    let name = file.name.into_inner();
    let safe = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-';
    if name.is_empty() || name.len() > LONGEST_NAME || name.starts_with('_') || !name.bytes().all(safe) {
        let why = format!("\"{name}\" is no file name of up to {LONGEST_NAME} small letters, digits, - and _");
        return Err(names.wrong(at, "page.name", why));
    }
    if name == "index" {
        return Err(names.wrong(at, "page.name", "\"index\" is the page over all datasets: choose another".to_owned()));
    }
    if file.number.len() > KEY_NUMBERS {
        let why = format!("a page has at most {KEY_NUMBERS} key numbers, this one {}", file.number.len());
        return Err(names.wrong(at, "page.number", why));
    }
    let ask = |asked: Spanned<super::file::AskFile>| {
        let at = asked.span().start;
        let asked = asked.into_inner();
        let sql = names.sql(at, asked.sql, asked.query)?;
        Ok(Newest { sql, shown: asked.shown })
    };
    let newest = file.newest.map(ask).transpose()?;
    let headline = file.headline.map(|declared| headline(names, declared)).transpose()?;
    let numbers = file.number.into_iter().map(|declared| number(names, declared)).collect::<Result<_, _>>()?;
    let mut sections = Vec::new();
    for section in file.section {
        let charts = section.chart.into_iter().map(|declared| chart(names, declared)).collect::<Result<_, _>>()?;
        sections.push(Section { title: section.title, text: section.text, charts });
    }
    Ok(Page {
        name,
        title: file.title,
        lead: file.lead,
        personal: file.personal,
        language: known_language(names, file.language)?.unwrap_or_default(),
        words: BTreeMap::new(),
        source: Linked { text: file.source.unwrap_or_default(), url: file.source_url },
        licence: Linked { text: file.licence.unwrap_or_default(), url: file.licence_url },
        how: file.how,
        newest,
        headline,
        numbers,
        sections,
    })
}

fn headline(names: &Names, declared: Spanned<HeadlineFile>) -> Result<Headline, Mistake> {
    let at = declared.span().start;
    let file = declared.into_inner();
    let sql = names.sql(at, file.sql, file.query)?;
    let mut cases = file.cases;
    cases.extend(file.text.map(|text| Case { when: None, text }));
    for case in &cases {
        template(names, at, "page.headline", &case.text)?;
    }
    Ok(Headline { sql, cases })
}

fn template(names: &Names, at: usize, key: &str, text: &str) -> Result<(), Mistake> {
    template::check(text).map_or(Ok(()), |why| Err(names.wrong(at, key, why)))
}

fn number(names: &Names, declared: Spanned<NumberFile>) -> Result<KeyNumber, Mistake> {
    let at = declared.span().start;
    let file = declared.into_inner();
    let sql = names.sql(at, file.sql, file.query)?;
    template(names, at, "page.number.note", &file.note)?;
    template(names, at, "page.number.since", &file.since)?;
    decimals(names, at, "page.number", file.digits.into_iter())?;
    Ok(KeyNumber {
        label: file.label,
        sql,
        value: file.value,
        before: file.before,
        since: file.since,
        unit: file.unit,
        digits: file.digits,
        better: file.better,
        note: file.note,
        shown: file.shown,
    })
}

fn decimals(names: &Names, at: usize, key: &str, mut all: impl Iterator<Item = usize>) -> Result<(), Mistake> {
    match all.find(|digits| *digits > 9) {
        Some(digits) => Err(names.wrong(at, key, format!("digits = {digits}: at most 9 decimals are written"))),
        None => Ok(()),
    }
}

fn chart(names: &Names, mut file: ChartFile) -> Result<Chart, Mistake> {
    let at = file.kind.span().start;
    let named = file.kind.get_ref().as_str();
    let Some((kind, called, needed, optional)) = KINDS.iter().find(|(_, name, ..)| *name == named) else {
        let why = if named == "vega-lite" {
            "pages have no scripts, so that a Vega-Lite specification cannot be drawn; use one of the kinds".to_owned()
        } else {
            unknown("kind", named, KINDS.iter().map(|(_, name, ..)| *name))
        };
        return Err(names.wrong(at, "page.section.chart.kind", why));
    };
    let sql = names.sql(at, file.sql.take(), file.query.take())?;
    let (roles, set) = roles(&mut file);
    if let Some(role) = needed.iter().find(|role| !set.contains(role)) {
        let why = format!("a {called} needs {}: add {role} = \"COLUMN\"", needed.join(", "));
        return Err(names.wrong(at, "page.section.chart", why));
    }
    if let Some(role) = set.iter().find(|role| !needed.contains(role) && !optional.contains(role)) {
        let why = format!("{role} means nothing to a {called}: remove it; it may have {}", optional.join(", "));
        return Err(names.wrong(at, "page.section.chart", why));
    }
    if roles.contains_key("low") != roles.contains_key("high") {
        return Err(names.wrong(at, "page.section.chart", "a band has both low and high".to_owned()));
    }
    let of_columns = file.columns.iter().filter_map(|column| column.digits);
    decimals(names, at, "page.section.chart", file.digits.into_iter().chain(of_columns))?;
    let columns = || file.columns.iter().filter_map(|column| column.limit);
    if !file.limits.iter().map(|limit| limit.value).chain(columns()).all(f64::is_finite) {
        return Err(names.wrong(at, "page.section.chart", "a limit is a number, not inf or nan".to_owned()));
    }
    let scale = file.scale.map(|name| {
        let why = || unknown("scale", &name, names.scales.keys().map(String::as_str));
        names.scales.get(&name).cloned().ok_or_else(|| names.wrong(at, "page.section.chart.scale", why()))
    });
    let outline = file.outline.map(|name| {
        let why = || unknown("outline", &name, names.outlines.keys().map(String::as_str));
        names.outlines.get(&name).cloned().ok_or_else(|| names.wrong(at, "page.section.chart.outline", why()))
    });
    Ok(Chart {
        kind: *kind,
        title: file.title,
        text: file.text,
        how: file.how,
        empty: file.empty,
        sql,
        roles,
        labels: file.labels,
        unit: file.unit,
        digits: file.digits,
        x_as: file.x_as.unwrap_or_default(),
        y_as: file.y_as.unwrap_or_default(),
        scale: scale.transpose()?,
        limits: file.limits,
        columns: file.columns,
        groups: file.groups,
        outline: outline.transpose()?.unwrap_or_default(),
        half: file.half,
        zero: file.zero.unwrap_or(true),
        horizontal: file.horizontal.unwrap_or(matches!(file.x_as, None | Some(As::Text | As::Auto))),
        top: file.top,
    })
}

/// The columns by role, and all keys of which some kinds have no use.
fn roles(file: &mut ChartFile) -> (BTreeMap<&'static str, String>, Vec<&'static str>) {
    let columns = [
        ("x", file.x.take()),
        ("y", file.y.take()),
        ("series", file.series.take()),
        ("low", file.low.take()),
        ("high", file.high.take()),
        ("value", file.value.take()),
        ("day", file.day.take()),
        ("group", file.group.take()),
        ("by", file.by.take()),
        ("label", file.label.take()),
        ("detail", file.detail.take()),
        ("longitude", file.longitude.take()),
        ("latitude", file.latitude.take()),
        ("line", file.line.take()),
        ("line_from", file.line_from.take()),
        ("line_to", file.line_to.take()),
    ];
    let roles: BTreeMap<_, _> = columns.into_iter().filter_map(|(role, column)| Some((role, column?))).collect();
    let others = [
        ("x_as", file.x_as.is_some()),
        ("y_as", file.y_as.is_some()),
        ("scale", file.scale.is_some()),
        ("limits", !file.limits.is_empty()),
        ("columns", !file.columns.is_empty()),
        ("groups", !file.groups.is_empty()),
        ("outline", file.outline.is_some()),
        ("zero", file.zero.is_some()),
        ("horizontal", file.horizontal.is_some()),
        ("top", file.top.is_some()),
    ];
    let set = roles.keys().copied().chain(others.into_iter().filter(|(_, is)| *is).map(|(key, _)| key)).collect();
    (roles, set)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "[query]\nq = \"SELECT 1\"\n[[page]]\nname = \"report\"\ntitle = \"T\"\n";

    fn mistake(text: &str) -> String {
        Report::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn mistakes_name_line_key_and_what_to_do() {
        let chart = |keys: &str| format!("{HEAD}[[page.section]]\n[[page.section.chart]]\ntitle = \"C\"\n{keys}\n");
        for (text, parts) in [
            (String::new(), vec!["page", "add [[page]]"]),
            ("title = 1".to_owned(), vec!["line 1", "title", "unknown field"]),
            ("langage = \"en\"".to_owned(), vec!["line 1", "langage", "did you mean `language`?"]),
            (format!("language = \"xx\"\n{HEAD}"), vec!["line 1: language", "[words]"]),
            (format!("{HEAD}{}", HEAD.replace("[query]\nq = \"SELECT 1\"\n", "")), vec!["line 7", "rename one"]),
            (HEAD.replace("report", "Re port"), vec!["line 4: page.name", "small letters"]),
            (HEAD.replace("report", &"r".repeat(101)), vec!["line 4: page.name", "up to 100"]),
            (HEAD.replace("report", "index"), vec!["all datasets"]),
            (format!("[words]\nnewst = \"x\"\n{HEAD}"), vec!["line 2: words", "did you mean \"newest\"?"]),
            (chart("kind = \"lin\"\nquery = \"q\""), vec!["line 9: page.section.chart.kind", "\"line\"?"]),
            (chart("kind = \"vega-lite\"\nquery = \"q\""), vec!["no scripts"]),
            (chart("kind = \"line\""), vec!["line 9: sql", "add sql"]),
            (chart("kind = \"line\"\nquery = \"p\""), vec!["no query \"p\"", "there is q"]),
            (chart("kind = \"line\"\nquery = \"q\"\nx = \"a\""), vec!["needs x, y", "add y"]),
            (chart("kind = \"map\"\nquery = \"q\"\nx = \"a\""), vec!["needs longitude"]),
            (
                chart("kind = \"table\"\nquery = \"q\"\nx = \"a\"\ncolumns = [{ name = \"a\", label = \"A\" }]"),
                vec!["remove it"],
            ),
            (chart("kind = \"line\"\nquery = \"q\"\nx = \"a\"\ny = \"b\"\nlow = \"c\""), vec!["both low and high"]),
            (
                chart("kind = \"heatmap\"\nquery = \"q\"\nx = \"a\"\ny = \"b\"\nvalue = \"c\"\nscale = \"s\""),
                vec!["[scale.s]"],
            ),
            (chart("kind = \"line\"\nquery = \"q\"\nx = \"a\"\ny = \"b\"\ncolor = \"c\""), vec!["line 13", "color"]),
            (format!("[scale.s]\nsteps = [{{ label = \"a\", colour = \"red\" }}]\n{HEAD}"), vec!["scale.s", "#rrggbb"]),
            (
                format!("{HEAD}[page.headline]\nquery = \"q\"\ntext = \"{{a\"\n"),
                vec!["line 6: page.headline", "not closed"],
            ),
        ] {
            let told = mistake(&text);
            assert!(parts.iter().all(|part| told.contains(part)), "{told}\n---\n{text}");
        }
    }

    #[test]
    fn a_query_stands_in_others_as_a_subquery() {
        let text = |queries: &str| {
            format!(
                "[query]\n{queries}\n[[page]]\nname = \"r\"\ntitle = \"T\"\n[page.newest]\nsql = \"SELECT 1 FROM @b AS b -- a@b\"\n"
            )
        };
        let report = Report::parse(&text("b = \"SELECT * FROM @a\"\na = \"SELECT 2\"")).unwrap();
        let page = report.page("r").unwrap();
        assert_eq!(page.queries().first().unwrap(), &"SELECT 1 FROM (SELECT * FROM (SELECT 2)) AS b -- a@b");
        assert!(mistake(&text("b = \"SELECT * FROM @aa\"")).contains("no query \"aa\""));
        assert!(mistake(&text("b = \"SELECT * FROM @b\"")).contains("circles"));
        assert!(mistake(&text("a = \"SELECT 1\"")).contains("no query \"b\""));
    }

    #[test]
    fn scales_ascend() {
        let steps = |steps: &str| mistake(&format!("[scale.s]\nsteps = [{steps}]\n{HEAD}"));
        let step = |to: &str| format!("{{ {to}label = \"a\", colour = \"#000000\" }},");
        assert!(steps(&format!("{}{}", step("to = 2, "), step("to = 1, "))).contains("above 2"));
        assert!(steps(&format!("{}{}", step(""), step("to = 1, "))).contains("only the last"));
        assert!(steps("").contains("no steps"));
    }

    #[test]
    fn what_is_declared_for_all_pages_is_each_ones() {
        let text = format!(
            "source = \"S\"\nlicence = \"L\"\nlanguage = \"nl-BE\"\n[words]\nno = \"nee\"\n{HEAD}personal = true\n"
        );
        let report = Report::parse(&text).unwrap();
        let page = report.page("report").unwrap();
        assert_eq!(
            (page.source.text.as_str(), page.licence.text.as_str(), page.language.as_str()),
            ("S", "L", "nl-BE")
        );
        assert_eq!(page.path(), "_personal/report.html");
        assert_eq!(page.words.len(), 1);
    }
}
