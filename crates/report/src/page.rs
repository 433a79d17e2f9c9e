//! The page around the sections.

use crate::Report;
use crate::escape::escape;
use crate::sections::SECTIONS;

pub(crate) const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// Colours that the style sheet has for series, classes `s0`, `s1`, ...
pub(crate) const SERIES_COLOURS: usize = 12;

/// The report as one HTML file: styles, charts and a little script inside, nothing to load.
pub fn html(report: &Report) -> String {
    let sections = SECTIONS.iter().filter_map(|s| Some((s, (s.body)(report)?)));
    let sections: Vec<_> = sections.collect();
    let titled = || sections.iter().filter(|(s, _)| !s.title.is_empty());
    let links: String = titled().map(|(s, _)| format!("<a href=\"#{}\">{}</a>", s.id, s.title)).collect();
    let section = |(s, body): &(&crate::sections::Section, String)| {
        let heading = if s.title.is_empty() { String::new() } else { format!("<h2>{}</h2>", s.title) };
        format!("<section id=\"{}\">{heading}{body}</section>\n", s.id)
    };
    let body: String = sections.iter().map(section).collect();
    let title = if report.title.is_empty() { "Nasmyth report" } else { &report.title };
    document(title, &subtitle(report), &links, &body)
}

/// A page that stands alone around sections; `title` and `about` are plain text, `links` and `body` are HTML.
pub(crate) fn document(title: &str, about: &str, links: &str, body: &str) -> String {
    let (title, about) = (escape(title), escape(about));
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<meta name=\"color-scheme\" content=\"light dark\"/>\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<header><h1>{title}</h1><p class=\"soft\">{about}</p><nav>{links}</nav></header>\n\
         <main>\n{body}</main>\n<footer>Written by Nasmyth {}.</footer>\n<div id=\"tip\"></div>\n<script>/*<![CDATA[*/\n{SCRIPT}/*]]>*/</script>\n</body>\n</html>\n",
        env!("CARGO_PKG_VERSION")
    )
}

fn subtitle(report: &Report) -> String {
    let parts = [&report.data.name, &report.data.task, &report.space, &report.strategy];
    parts.into_iter().filter(|p| !p.is_empty()).map(String::as_str).collect::<Vec<_>>().join(" · ")
}
