//! schemathesis, which asks an API all that its description allows and much that it does not, for the tests: below cargo's target
//! directory, since Debian has no package of it.

use anyhow::Result;

use crate::{package, python};

/// The release and all that it uses, as they fit together. Some are compiled, with another digest for each Python and processor, so
/// the versions alone are named.
const RELEASES: &str = "\
schemathesis==4.32.5
anyio==4.16.0
certifi==2026.10.18
charset-normalizer==3.5.2
click==8.5.1
graphql-core==3.3.2
harfile==0.6.0
hypothesis==6.170.15
hypothesis-graphql==0.13.5
idna==3.20
iniconfig==2.3.1
jsonschema_rs==0.60.3
markdown-it-py==4.3.0
MarkupSafe==3.0.4
mdurl==0.1.2
packaging==26.3
pluggy==1.7.0
Pygments==2.21.0
pyrate-limiter==4.5.1
pytest==9.2.0
PyYAML==6.0.3
requests==2.34.2
rich==15.0.0
sortedcontainers==2.4.0
typing_extensions==4.16.0
urllib3==2.8.0
Werkzeug==3.1.9
";

const NEEDED: &[(&str, &str)] = &[
    ("/usr/bin/python3", "python3"),
    ("/usr/lib/python3/dist-packages/pip", "python3-pip"),
];

/// Fetches it, unless it is there.
pub(crate) fn run() -> Result<()> {
    package::need(NEEDED)?;
    python::fetch(
        "schemathesis",
        RELEASES,
        "--only-binary=:all:",
        "schemathesis, which judges the API",
    )
}
