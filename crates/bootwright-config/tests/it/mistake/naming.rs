//! Mistakes in `[naming]`.

use expect_test::expect;

use crate::{check, good};

#[test]
fn names_are_names_and_patterns_make_some() {
    check(
        r#"[naming]
list = ["node-a", "Node B", "node-a"]
pattern = "node"
"#,
        expect![[r#"
            error: `naming.list`: `Node B` is not a name: expected up to 63 of the characters `a-z`, `0-9` and `-`, the first no hyphen
             --> config.toml:2:19
              |
            2 | list = ["node-a", "Node B", "node-a"]
              |                   ^^^^^^^^

            error: `naming.list`: `node-a` stands there twice
             --> config.toml:2:29
              |
            2 | list = ["node-a", "Node B", "node-a"]
              |                             ^^^^^^^^

            error: `naming.pattern`: `node` is no pattern of names: expected `a-z`, `0-9` and `-` around `{number}`, `{mac}` or `{serial}`
             --> config.toml:3:11
              |
            3 | pattern = "node"
              |           ^^^^^^

            3 errors
        "#]],
    );
    let loaded = good("[naming]\nlist = [\"node-a\", \"node-b\"]\npattern = \"r1-{mac}\"\n");
    assert_eq!(loaded.policy.naming.list.len(), 2);
    assert!(loaded.policy.naming.pattern.is_some());
}
