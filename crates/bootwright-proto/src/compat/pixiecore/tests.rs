use super::*;

fn expanded(template: &str) -> Result<String, String> {
    expand(template, str::to_owned, |function, url| {
        Ok(match function {
            Function::Url => format!("<{url}>"),
            Function::Id => format!("#{url}"),
        })
    })
}

#[test]
fn what_we_answer_is_written_as_the_api_has_it() {
    let spec = Spec {
        kernel: "http://10.0.0.1/vmlinuz".to_owned(),
        initrd: vec!["http://10.0.0.1/initrd.img?a=1&b=2".to_owned()],
        cmdline: "console=ttyS0 x={{y}}".to_owned(),
        message: "Bootwright: installing".to_owned(),
    };
    let golden = include_str!("../../../test_data/compat/pixiecore/4.1-answer.json");
    assert_eq!(spec.json().as_deref(), Ok(golden.trim_end()));
    // Pixiecore fills in what stands between two braces, and gets ours back.
    let read = Boot::read(golden.as_bytes()).expect("an answer");
    assert_eq!(expanded(&read.cmdline).as_deref(), Ok("console=ttyS0 x={{y}}"));
    let broken = Spec {
        cmdline: "a\nshell".to_owned(),
        ..spec
    };
    assert!(broken.json().is_err(), "a line break would be another command");
}

#[test]
fn the_script_is_pixiecores_byte_for_byte() {
    let golden = include_str!("../../../test_data/compat/pixiecore/4.3-script.ipxe");
    let file =
        |name: &str, kind: &str| format!("http://H/_/file?name={name}&type={kind}&mac=01%3A02%3A03%3A04%3A05%3A06");
    let initrds = [file("i0", "initrd"), file("i1", "initrd")];
    let booting = "http://H/_/booting?mac=01%3A02%3A03%3A04%3A05%3A06";
    let script = script(
        &file("k", "kernel"),
        &initrds,
        booting,
        "thing=http://H/_/file?name=t foo=bar",
    );
    assert_eq!(script.as_deref(), Ok(golden));
}

#[test]
fn a_command_line_is_filled_in_as_gos_templates_do() {
    for (template, wanted) in [
        ("a=b", "a=b"),
        ("", ""),
        (
            "u={{ URL \"https://files.local/cloud-config\" }} x",
            "u=<https://files.local/cloud-config> x",
        ),
        ("u={{URL `http://h/a\"b`}}", "u=<http://h/a\"b>"),
        ("u={{ID \"http://h/x\"}}{{ URL \"y\" }}", "u=#http://h/x<y>"),
        ("a   {{- \" b\" -}}   c", "a bc"),
        ("{{\"{{\"}}{{ \"\\\"}}\" }}", "{{\"}}"),
    ] {
        assert_eq!(expanded(template).as_deref(), Ok(wanted), "{template}");
    }
    for bad in [
        "{{",
        "{{ }}",
        "{{ URL }}",
        "{{ URL \"x }}",
        "{{ URL \"x\"",
        "{{ if .X }}",
        "{{ .Name }}",
        "{{ exec \"x\" }}",
        "a\nb",
        "{{ \"a\\nb\" }}",
        "{{ URL \"a\" \"b\" }}",
        "a\u{7f}",
    ] {
        assert!(expanded(bad).is_err(), "{bad}");
    }
    assert!(
        expanded(&"{{URL \"x\"}}".repeat(FILES_MAX + 1)).is_err(),
        "as many as one likes"
    );
}

#[test]
fn answers_are_read_in_both_forms_and_rubbish_is_named() {
    let boot = Boot::read(br#"{"kernel":"/k","initrd":["/a","/b"],"cmdline":"x=y","message":"m","unknown":1}"#);
    let wanted = Boot {
        kernel: "/k".to_owned(),
        initrds: vec!["/a".to_owned(), "/b".to_owned()],
        cmdline: "x=y".to_owned(),
        message: Some("m".to_owned()),
    };
    assert_eq!(boot, Ok(wanted));
    let older = Boot::read(br#"{"kernel":"k","cmdline":{"z":true,"b":false,"a":"q \"r\"","u":{"url":"http://h/c"}}}"#);
    assert_eq!(
        older.map(|boot| boot.cmdline).as_deref(),
        Ok(r#"a="q \"r\"" b u={{ URL "http://h/c" }} z"#)
    );
    for (bad, why) in [
        (&b"<html>"[..], "no JSON"),
        (b"[]", "object"),
        (b"{}", "kernel"),
        (br#"{"kernel":""}"#, "kernel"),
        (br#"{"kernel":3}"#, "kernel"),
        (br#"{"kernel":"k","initrd":"i"}"#, "initrd"),
        (br#"{"kernel":"k","initrd":[1]}"#, "initrd"),
        (br#"{"kernel":"k","cmdline":[]}"#, "cmdline"),
        (br#"{"kernel":"k","cmdline":{"a":3}}"#, "cmdline.a"),
        (br#"{"kernel":"k","cmdline":{"a":{"url":"x","y":1}}}"#, "cmdline.a"),
        (br##"{"ipxe-script":"#!ipxe\nshell"}"##, "ipxe-script"),
        (b"\xff\xfe", "no JSON"),
    ] {
        let told = Boot::read(bad).expect_err(why);
        assert!(told.contains(why), "{told}");
    }
}

#[test]
fn relative_urls_belong_to_the_root_of_the_apis_host() {
    for (api, url, full) in [
        ("http://bar.com/baz", "/foo", "http://bar.com/foo"),
        ("http://bar.com:81/baz/x", "foo", "http://bar.com:81/foo"),
        ("https://bar.com", "http://other/x", "http://other/x"),
        ("https://bar.com", "file:///srv/x", "file:///srv/x"),
    ] {
        assert_eq!(resolve(api, url), full);
    }
}

#[test]
fn targets_are_read_as_pixiecore_and_its_api_have_them() {
    let route = |target: &str| parse(target.as_bytes()).map(|request| request.route);
    let mac: MacAddr = "52:54:00:89:d8:10".parse().expect("an address");
    for target in ["/v1/boot/52:54:00:89:d8:10", "/pixiecore/v1/boot/52-54-00-89-D8-10"] {
        assert_eq!(route(target), Some(Route::Boot(Ok(mac))));
    }
    assert_eq!(route("/v1/boot/x"), Some(Route::Boot(Err("x".to_owned()))));
    for none in [
        "/",
        "/v1/boot",
        "/v1/boot/",
        "/v1/boot/a/b",
        "/_/",
        "/_/file/x",
        "/_/../v1/boot/x",
        "/v1/boot/%2e%2e/x",
    ] {
        assert_eq!(route(none), None, "{none}");
    }
    let said = |query: &str| check_script(&Query::new(query.as_bytes()));
    assert_eq!(said("arch=0&mac=52:54:00:89:d8:10"), Ok(mac));
    for (query, why) in [
        ("arch=0", "missing MAC address parameter\n"),
        ("mac=52:54:00:89:d8:10", "missing architecture parameter\n"),
        ("arch=0&mac=x", "invalid MAC address\n"),
        ("arch=x&mac=52:54:00:89:d8:10", "invalid architecture\n"),
        ("arch=7&mac=52:54:00:89:d8:10", "unknown architecture\n"),
    ] {
        assert_eq!(said(query), Err(why));
    }
}
