//! Documents that must be JSON.

use bootwright_content::check_profile;

use crate::with_file;

#[test]
fn an_ignition_document_that_is_no_json_is_found_with_its_line() {
    let profile = with_file(
        "config.ign",
        "{\n  \"ignition\": { \"version\": \"3.4.0\" }\n  \"storage\": {}\n}\n",
    );
    let problems = check_profile(&profile);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!((problems[0].error.line, problems[0].error.column), (3, 3));
    assert!(
        problems[0].error.message.starts_with("the text is no JSON: "),
        "{}",
        problems[0]
    );
}

#[test]
fn a_document_that_renders_to_json_is_fine() {
    let profile = with_file(
        "config.json",
        "{ \"serial\": {{ raw.host.serial | json }}{% if host.asset %}, \"a\": 1{% endif %} }\n",
    );
    assert_eq!(check_profile(&profile), []);
}

#[test]
fn other_documents_need_not_be_json() {
    assert_eq!(check_profile(&with_file("preseed.cfg", "{ not json")), []);
}
