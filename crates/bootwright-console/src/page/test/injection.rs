//! Whatever a machine says of itself is text on every page, and never a part of the page.

use bootwright_proto::http::api::Role;

use super::{Tag, ask, get, site, tags};

/// The pages.
pub(super) const PAGES: [&str; 10] = [
    "/",
    "/?text=x&badge=held",
    "/hosts/oak-42",
    "/profiles",
    "/images",
    "/segments",
    "/settings",
    "/audit",
    "/wall",
    "/help",
];

/// A payload of each class: what has led from a text into a page somewhere.
#[rustfmt::skip]
const PAYLOADS: [&str; 72] = [
    // Elements.
    "<script>alert(1)</script>", "<SCRIPT SRC=//e.example/x.js></SCRIPT>", "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<script/x>alert(1)</script>", "<script\n>alert(1)</script>", "<script", "<img src=x onerror=alert(1)>",
    "<img/src=`x`onerror=alert(1)>", "<svg onload=alert(1)>", "<svg><script>alert(1)</script></svg>", "<math><mi//xlink:href=\"data:x\">",
    "<iframe src=javascript:alert(1)>", "<object data=javascript:alert(1)>", "<embed src=javascript:alert(1)>",
    "<link rel=stylesheet href=//e.example/x.css>", "<style>*{display:none}</style>", "<base href=//e.example/>",
    "<meta http-equiv=refresh content='0;url=//e.example/'>", "<form action=//e.example/><input name=csrf>",
    "<input autofocus onfocus=alert(1)>", "<details open ontoggle=alert(1)>", "<video><source onerror=alert(1)>",
    "<body onload=alert(1)>", "<marquee onstart=alert(1)>", "<a href=javascript:alert(1)>x</a>", "<x onclick=alert(1)>x",
    "<template><script>alert(1)</script></template>", "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
    "<plaintext>", "<xmp><script>", "<select><script>", "<isindex type=image src=1 onerror=alert(1)>",
    // Ends of what it stands in.
    "</title><script>alert(1)</script>", "</textarea><script>alert(1)</script>", "</style><script>alert(1)</script>",
    "</script><script>alert(1)</script>", "</option></select><script>alert(1)</script>", "</pre></code><b>", "--><script>alert(1)</script>",
    "]]><script>alert(1)</script>", "?><script>alert(1)</script>", "<!--", "<![CDATA[", "<?xml", "</", "<",
    // Attributes.
    "\" onmouseover=\"alert(1)", "' onmouseover='alert(1)", "` onmouseover=`alert(1)", "\"><script>alert(1)</script>",
    "'><script>alert(1)</script>", "x\" autofocus onfocus=alert(1) y=\"", "\" style=\"position:fixed", "\" formaction=\"//e.example/",
    "\\\"><script>alert(1)</script>", "=x onerror=alert(1)",
    // Addresses.
    "javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\tscript:alert(1)", "data:text/html,<script>alert(1)</script>",
    "//e.example/", "/\\e.example/", "../../logout", "?csrf=1#x",
    // What is undone once too often, and odd characters.
    "&lt;script&gt;alert(1)&lt;/script&gt;", "&#60;script&#62;", "%3Cscript%3Ealert(1)%3C/script%3E", "\u{ff1c}script\u{ff1e}",
    "+ADw-script+AD4-", "\u{2028}alert(1)\u{2029}", "\u{202e}gnp.exe", "{{7*7}}${7*7}<%=7*7%>",
];

/// The outline of a page: its tags, and their attributes without values.
fn outline(tags: &[Tag]) -> Vec<String> {
    let names = |tag: &Tag| {
        let own: Vec<&str> = tag.attributes.iter().map(|(name, _)| name.as_str()).collect();
        format!("{} {}", tag.name, own.join(" "))
    };
    tags.iter().map(names).collect()
}

/// A page's addresses lead to itself, and nothing in it runs that is not the one script.
fn is_tame(tags: &[Tag]) -> Result<(), String> {
    for tag in tags {
        for (name, value) in &tag.attributes {
            let fits = match name.as_str() {
                "href" | "action" => {
                    value.starts_with('#')
                        || (value.starts_with('/') && !value.starts_with("//") && !value.contains('\\'))
                }
                "src" => value.starts_with("/static/"),
                "style" | "formaction" | "srcdoc" => false,
                name => !name.starts_with("on"),
            };
            if !fits {
                return Err(format!("<{} {name}={value:?}>", tag.name));
            }
        }
        let allowed = !matches!(
            tag.name.as_str(),
            "iframe" | "object" | "embed" | "base" | "style" | "img" | "x"
        );
        if !allowed || (tag.name == "script" && tag.get("src").is_none()) {
            return Err(format!("<{}>", tag.name));
        }
    }
    Ok(())
}

#[tokio::test]
async fn threat_20_what_machines_say_is_text_on_every_page_whatever_it_is() {
    for page in PAGES {
        let plain = ask(site("plain"), Role::Admin, get(page)).await;
        assert_eq!(plain.status, 200, "{page}: {}", plain.text);
        let expected = outline(&tags(&plain.text));
        assert!(expected.len() > 60, "{page} has {} tags", expected.len());
        for payload in PAYLOADS {
            let answer = ask(site(payload), Role::Admin, get(page)).await;
            assert_eq!(answer.status, 200, "{page} with {payload}");
            let tags = tags(&answer.text);
            assert_eq!(is_tame(&tags), Ok(()), "{page} with {payload}");
            let found = outline(&tags);
            let differs = found.iter().zip(&expected).position(|(one, other)| one != other);
            assert_eq!(differs.map(|at| &found[at]), None, "{page} with {payload}");
            assert_eq!(found.len(), expected.len(), "{page} with {payload}");
        }
    }
}

#[test]
fn the_reader_of_tags_sees_what_a_browser_would_run() {
    for payload in [
        "<img src=x onerror=alert(1)>",
        "<a href='javascript:alert(1)'>",
        "<script>alert(1)</script>",
        "<x onclick=alert(1)>",
    ] {
        assert!(
            is_tame(&tags(&format!("<p title=\"a\">{payload}</p>"))).is_err(),
            "{payload}"
        );
    }
    let broken = tags("<p title=\"\" onmouseover=\"alert(1)\">");
    assert!(is_tame(&broken).is_err(), "{broken:?}");
}
