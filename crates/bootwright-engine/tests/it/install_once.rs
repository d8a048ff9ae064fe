//! The main job: a machine is installed once.

use bootwright_core::Span;
use bootwright_engine::Report;
use expect_test::expect;

use crate::site::{Site, policy};

#[test]
fn a_machine_is_held_armed_installed_and_then_boots_its_disk() {
    let mut site = Site::new(policy());
    site.ask_mac(1);
    site.wait(Span::from_secs(50));
    site.ask_mac(1);
    site.arm("52:54:00:00:00:01", &["debian"]);
    site.ask_mac(1);
    let token = site.token();
    site.wait(Span::from_secs(60));
    site.report(token, &Report::Done);
    site.report(token, &Report::Done);
    site.ask_mac(1);
    site.report(token, &Report::Up);
    site.wait(Span::from_hours(24));
    site.arm("52:54:00:00:00:01", &["debian"]);
    expect![[r#"
        52:54:00:00:00:01 asks -> hold (nobody has armed it)
            New quince-61: 52:54:00:00:00:01
            Hold quince-61: waiting: nobody has armed it
        wait 50 s
        52:54:00:00:00:01 asks -> hold (nobody has armed it)
        Arm { profiles: [debian], wipe: {} } for 52:54:00:00:00:01 -> quince-61: armed with debian by alice for 1 d
            Armed quince-61: armed with debian by alice for 1 d
        52:54:00:00:00:01 asks -> install debian run 1 attempt 1, once recorded
            Boot quince-61: run 1, install script of debian served (attempt 1 of 2)
        wait 1 min
        Done -> Noted
            Done quince-61: run 1, installer finished in 1 min; next boots: local disk
            (all who wait ask again)
        Done -> Noted
        52:54:00:00:00:01 asks -> local bios-disk (it is installed)
            Local quince-61: local-boot script served (bios-disk)
        Up -> Noted
            Up quince-61: run 1, the installed system is up
            Up quince-61: has started from its disk (bios-disk): its system reported
        wait 1 d
            Lock quince-61: locked: it has been up long enough to be protected
        Arm { profiles: [debian], wipe: {} } for 52:54:00:00:00:01 -> refused: quince-61: the host is locked; `bootwright host unlock` takes the lock away
    "#]].assert_eq(&site.story());
}
