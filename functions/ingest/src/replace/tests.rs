use super::*;

fn id(value: &Value) -> Option<String> {
    value.get("id").map(Value::to_string)
}

fn kept(new: &str, old: &str) -> Option<(String, Vec<String>)> {
    let (list, lost) = keep_elements(&Bytes::copy_from_slice(new.as_bytes()), old.as_bytes(), id)?;
    Some((String::from_utf8_lossy(&list).into_owned(), lost))
}

#[test]
fn elements_that_a_list_lacks_stay_behind_those_that_it_has() {
    let both = r#"[{"id":1, "x":1.50},{"id":2}]"#;
    for (new, old, wanted, lost) in [
        (both, "[]", both, vec![]),
        ("[ {\"id\":2} ]", both, r#"[{"id":2},{"id":1, "x":1.50}]"#, vec!["1"]),
        ("[]", both, r#"[{"id":1, "x":1.50},{"id":2}]"#, vec!["1", "2"]),
        (r#"[{"id":1,"x":2},{"id":2}]"#, both, r#"[{"id":1,"x":2},{"id":2}]"#, vec![]),
    ] {
        let lost = lost.into_iter().map(str::to_owned).collect();
        assert_eq!(kept(new, old), Some((wanted.to_owned(), lost)), "{new} {old}");
    }
    for (new, old) in [("{}", "[]"), ("[]", "{}"), ("[]", "[")] {
        assert_eq!(kept(new, old), None);
    }
}
