//! `tributary explain`: what reasons of rejection mean, and what to do.

use std::process::ExitCode;

use clean::reasons::{REASONS, Reason, reason};
use lake::suggest::did_you_mean;
use serde_json::json;

use crate::cli::Format;
use crate::failure::{self, Failure};
use crate::output::{print, print_result};
use crate::summary::{exit_status, line};

/// Explains one reason, or lists all.
pub fn run(code: Option<&str>, format: Format) -> ExitCode {
    let found: Vec<&Reason> = match code {
        Some(code) => reason(code).into_iter().collect(),
        None => REASONS.iter().collect(),
    };
    let mut failures = Vec::new();
    if found.is_empty() {
        let code = code.unwrap_or_default();
        let meant = did_you_mean(code, REASONS.iter().map(|reason| reason.code));
        failures.push(Failure::usage(format!("there is no reason \"{code}\" (`tributary explain` lists all){meant}")));
    }
    failure::print_all(&failures);
    match format {
        Format::Text => {
            let mut text = String::new();
            for Reason { code, whole, cause, cure } in found {
                let what = if *whole { " (an object as a whole)" } else { "" };
                line(&mut text, format_args!("{code}{what}"));
                line(&mut text, format_args!("  {cause}"));
                line(&mut text, format_args!("  {cure}"));
            }
            print(&text);
        }
        Format::Json | Format::Csv => {
            let reason = |Reason { code, whole, cause, cure }: &&Reason| json!({"reason": code, "whole": whole, "cause": cause, "cure": cure});
            let reasons: Vec<_> = found.iter().map(reason).collect();
            let ok = failures.is_empty();
            print_result(format, &json!({"ok": ok, "elapsed_ms": 0, "reasons": reasons, "errors": failures}));
        }
    }
    exit_status(&failures)
}
