//! Stories of `step`: what becomes of a host.

use expect_test::{Expect, expect};

use crate::story::tell;

#[allow(clippy::needless_pass_by_value)]
fn check(story: &str, expected: Expect) {
    expected.assert_eq(&tell(story));
}

#[test]
fn an_armed_host_is_installed_once_and_then_left_alone() {
    check(
        "arm debian; start 1; finish 1; start 2; up 1; up 1; finish 1",
        expect![[r#"
        arm debian   -> armed debian
        start 1      -> installing debian #1 attempt 1
        finish 1     -> installed debian #1
        start 2      -> installed debian #1 (ignored: no install was granted)
        up 1         -> installed debian #1, up
        up 1         -> installed debian #1, up (ignored: it is so already)
        finish 1     -> installed debian #1, up (ignored: it is so already)
    "#]],
    );
}

#[test]
fn late_finish_of_an_old_run_moves_nothing() {
    check(
        "arm debian; start 1; wait 6h; deadline; arm debian; start 2; finish 1; fail 1; up 1; guard 1 S1; overdue 1",
        expect![[r#"
            arm debian   -> armed debian
            start 1      -> installing debian #1 attempt 1
            deadline     -> failed debian #1 (nothing was heard until the deadline)
            arm debian   -> armed debian
            start 2      -> installing debian #2 attempt 1
            finish 1     -> installing debian #2 attempt 1 (ignored: it speaks of another run)
            fail 1       -> installing debian #2 attempt 1 (ignored: it speaks of another run)
            up 1         -> installing debian #2 attempt 1 (ignored: it speaks of another run)
            guard 1 S1   -> installing debian #2 attempt 1 (ignored: it speaks of another run)
            overdue 1    -> installing debian #2 attempt 1 (ignored: it speaks of another run)
        "#]],
    );
}

#[test]
fn a_run_that_is_named_with_another_token_is_not_this_run() {
    check(
        "arm debian; start 1; finish 1/9; fail 1/9; up 1/9; guard 1/9 S1; finish 1",
        expect![[r#"
            arm debian   -> armed debian
            start 1      -> installing debian #1 attempt 1
            finish 1/9   -> installing debian #1 attempt 1 (ignored: it speaks of another run)
            fail 1/9     -> installing debian #1 attempt 1 (ignored: it speaks of another run)
            up 1/9       -> installing debian #1 attempt 1 (ignored: it speaks of another run)
            guard 1/9 S1 -> installing debian #1 attempt 1 (ignored: it speaks of another run)
            finish 1     -> installed debian #1
        "#]],
    );
}

#[test]
fn a_reboot_in_the_middle_is_the_second_attempt_and_a_third_there_is_not() {
    check(
        "arm debian; start 1; spend; start 2; start 3; spend; start 4; finish 1",
        expect![[r#"
            arm debian   -> armed debian
            start 1      -> installing debian #1 attempt 1
            spend        -> installing debian #1 attempt 1 (ignored: it is not time yet)
            start 2      -> installing debian #1 attempt 2
            start 3      -> installing debian #1 attempt 2 (ignored: all attempts are used; `bootwright host arm` grants another run)
            spend        -> failed debian #1 (all attempts used)
            start 4      -> failed debian #1 (all attempts used) (ignored: no install was granted)
            finish 1     -> failed debian #1 (all attempts used) (ignored: it comes too late)
        "#]],
    );
}

#[test]
fn nothing_is_installed_that_nobody_granted() {
    check(
        "start 1; local; start 1; ignore; start 1; live rescue; start 1; hold; start 1; finish 1; queue debian; allow S1",
        expect![[r#"
            start 1      -> new (ignored: no install was granted)
            local        -> new, local
            start 1      -> new, local (ignored: no install was granted)
            ignore       -> ignored
            start 1      -> ignored (ignored: no install was granted)
            live rescue  -> live rescue
            start 1      -> live rescue (ignored: no install was granted)
            hold         -> new, held
            start 1      -> new, held (ignored: no install was granted)
            finish 1     -> new, held (ignored: it comes too late)
            queue debian -> new, held (ignored: the host is not armed; `bootwright host arm` arms it)
            allow S1     -> new, held (ignored: the host is not armed; `bootwright host arm` arms it)
        "#]],
    );
}

#[test]
fn an_arming_that_nobody_used_in_time_is_worth_nothing() {
    check(
        "arm debian; expire; wait 24h; start 1; expire; start 1; expire",
        expect![[r#"
            arm debian   -> armed debian
            expire       -> armed debian (ignored: it is not time yet)
            start 1      -> armed debian (ignored: it comes too late)
            expire       -> new, held
            start 1      -> new, held (ignored: no install was granted)
            expire       -> new, held (ignored: the host is not armed; `bootwright host arm` arms it)
        "#]],
    );
}

#[test]
fn an_operator_stops_a_run_and_what_it_reports_afterwards_is_late() {
    check(
        "arm debian; start 1; hold; finish 1; up 1; start 2",
        expect![[r#"
        arm debian   -> armed debian
        start 1      -> installing debian #1 attempt 1
        hold         -> new, held
        finish 1     -> new, held (ignored: it comes too late)
        up 1         -> new, held (ignored: it comes too late)
        start 2      -> new, held (ignored: no install was granted)
    "#]],
    );
}

#[test]
fn a_queue_is_worked_off_run_by_run() {
    check(
        "arm discover wipe; start 1; queue leap; finish 1; finish 1; start 2; finish 2; start 3; finish 2; finish 3",
        expect![[r#"
            arm discover wipe -> armed discover, wipe
            start 1      -> installing discover #1 attempt 1, then wipe
            queue leap   -> installing discover #1 attempt 1, then wipe, leap
            finish 1     -> armed wipe, leap
            finish 1     -> armed wipe, leap (ignored: it comes too late)
            start 2      -> installing wipe #2 attempt 1, then leap
            finish 2     -> armed leap
            start 3      -> installing leap #3 attempt 1
            finish 2     -> installing leap #3 attempt 1 (ignored: it speaks of another run)
            finish 3     -> installed leap #3
        "#]],
    );
}

#[test]
fn a_failure_ends_the_whole_queue() {
    check(
        "arm discover wipe; start 1; fail 1; start 2; queue leap",
        expect![[r#"
        arm discover wipe -> armed discover, wipe
        start 1      -> installing discover #1 attempt 1, then wipe
        fail 1       -> failed discover #1 (the installer reported: no disk)
        start 2      -> failed discover #1 (the installer reported: no disk) (ignored: no install was granted)
        queue leap   -> failed discover #1 (the installer reported: no disk) (ignored: the host is not armed; `bootwright host arm` arms it)
    "#]],
    );
}

#[test]
fn the_arming_for_the_rest_of_a_queue_lasts_as_long_as_the_first() {
    check(
        "arm discover leap; wait 20h; start 1; wait 5h; finish 1; wait 23h; expire; wait 1h; expire",
        expect![[r#"
            arm discover leap -> armed discover, leap
            start 1      -> installing discover #1 attempt 1, then leap
            finish 1     -> armed leap
            expire       -> armed leap (ignored: it is not time yet)
            expire       -> new, held
        "#]],
    );
}

#[test]
fn a_system_that_is_up_proves_that_its_install_is_over() {
    check(
        "arm debian; start 1; up 1; finish 1; start 2",
        expect![[r#"
        arm debian   -> armed debian
        start 1      -> installing debian #1 attempt 1
        up 1         -> installed debian #1, up
        finish 1     -> installed debian #1, up (ignored: it is so already)
        start 2      -> installed debian #1, up (ignored: no install was granted)
    "#]],
    );
}

#[test]
fn a_lock_takes_an_arming_away_and_keeps_all_installs_out() {
    check(
        "arm debian; lock; start 1; arm debian; rule-arms debian; live rescue; lock; unlock; start 1; arm debian; start 1; lock",
        expect![[r#"
            arm debian   -> armed debian
            lock         -> new, held, locked
            start 1      -> new, held, locked (ignored: the host is locked; `bootwright host unlock` takes the lock away)
            arm debian   -> new, held, locked (ignored: the host is locked; `bootwright host unlock` takes the lock away)
            rule-arms debian -> new, held, locked (ignored: the host is locked; `bootwright host unlock` takes the lock away)
            live rescue  -> new, held, locked (ignored: the host is locked; `bootwright host unlock` takes the lock away)
            lock         -> new, held, locked (ignored: it is so already)
            unlock       -> new, held
            start 1      -> new, held (ignored: no install was granted)
            arm debian   -> armed debian
            start 1      -> installing debian #1 attempt 1
            lock         -> installing debian #1 attempt 1 (ignored: an install is under way; `bootwright host hold` stops it)
        "#]],
    );
}

#[test]
fn a_rule_grants_only_where_no_person_has_spoken() {
    check(
        "hold; rule-arms debian; local; rule-arms debian; ignore; rule-arms debian; live rescue; rule-arms debian; \
         arm debian; rule-arms wipe; start 1; rule-arms wipe; fail 1; rule-arms debian",
        expect![[r#"
            hold         -> new, held
            rule-arms debian -> new, held (ignored: an operator decided otherwise)
            local        -> new, local
            rule-arms debian -> new, local (ignored: an operator decided otherwise)
            ignore       -> ignored
            rule-arms debian -> ignored (ignored: an operator decided otherwise)
            live rescue  -> live rescue
            rule-arms debian -> live rescue (ignored: an operator decided otherwise)
            arm debian   -> armed debian
            rule-arms wipe -> armed debian (ignored: an operator decided otherwise)
            start 1      -> installing debian #1 attempt 1
            rule-arms wipe -> installing debian #1 attempt 1 (ignored: an install is under way; `bootwright host hold` stops it)
            fail 1       -> failed debian #1 (the installer reported: no disk)
            rule-arms debian -> failed debian #1 (the installer reported: no disk) (ignored: an operator decided otherwise)
        "#]],
    );
    check(
        "rule-arms debian; start 1; finish 1; rule-arms debian",
        expect![[r#"
        rule-arms debian -> armed debian
        start 1      -> installing debian #1 attempt 1
        finish 1     -> installed debian #1
        rule-arms debian -> installed debian #1 (ignored: an operator decided otherwise)
    "#]],
    );
}

#[test]
fn a_disk_that_the_guard_let_pass_stays_allowed_for_the_next_attempt_and_no_longer() {
    check(
        "arm debian; allow S1; start 1; guard 1 S2; guard 1 S2; start 2; fail 1; arm debian; start 2",
        expect![[r#"
            arm debian   -> armed debian
            allow S1     -> armed debian, may overwrite S1
            start 1      -> installing debian #1 attempt 1, may overwrite S1
            guard 1 S2   -> installing debian #1 attempt 1, may overwrite S1, S2
            guard 1 S2   -> installing debian #1 attempt 1, may overwrite S1, S2 (ignored: it is so already)
            start 2      -> installing debian #1 attempt 2, may overwrite S1, S2
            fail 1       -> failed debian #1 (the installer reported: no disk)
            arm debian   -> armed debian
            start 2      -> installing debian #2 attempt 1
        "#]],
    );
}

#[test]
fn a_disk_without_a_serial_number_is_never_named() {
    check(
        "arm debian; allow; start 1; guard 1",
        expect![[r#"
        arm debian   -> armed debian
        allow        -> armed debian (ignored: a disk without a serial number cannot be named)
        start 1      -> installing debian #1 attempt 1
        guard 1      -> installing debian #1 attempt 1 (ignored: a disk without a serial number cannot be named)
    "#]],
    );
}

#[test]
fn another_machine_in_the_name_of_this_one_ends_its_grant() {
    check(
        "arm debian; another-machine; start 1",
        expect![[r#"
        arm debian   -> armed debian
        another-machine -> new, held
        start 1      -> new, held (ignored: no install was granted)
    "#]],
    );
    check(
        "arm debian; start 1; another-machine; start 2; finish 1",
        expect![[r#"
        arm debian   -> armed debian
        start 1      -> installing debian #1 attempt 1
        another-machine -> failed debian #1 (another machine came back: another serial number)
        start 2      -> failed debian #1 (another machine came back: another serial number) (ignored: no install was granted)
        finish 1     -> failed debian #1 (another machine came back: another serial number) (ignored: it comes too late)
    "#]],
    );
    check(
        "another-machine; live rescue; another-machine",
        expect![[r#"
        another-machine -> new (ignored: the host is not armed; `bootwright host arm` arms it)
        live rescue  -> live rescue
        another-machine -> live rescue (ignored: the host is not armed; `bootwright host arm` arms it)
    "#]],
    );
}

#[test]
fn stalled_is_a_mark_that_goes_away_when_the_run_is_heard_of() {
    check(
        "arm debian; start 1; heard 1; overdue 1; overdue 1; heard 1; overdue 1; start 1; overdue 2; overdue 1; finish 1",
        expect![[r#"
            arm debian   -> armed debian
            start 1      -> installing debian #1 attempt 1
            heard 1      -> installing debian #1 attempt 1 (ignored: it is so already)
            overdue 1    -> installing debian #1 attempt 1, stalled
            overdue 1    -> installing debian #1 attempt 1, stalled (ignored: it is so already)
            heard 1      -> installing debian #1 attempt 1
            overdue 1    -> installing debian #1 attempt 1, stalled
            start 1      -> installing debian #1 attempt 2
            overdue 2    -> installing debian #1 attempt 2 (ignored: it speaks of another run)
            overdue 1    -> installing debian #1 attempt 2, stalled
            finish 1     -> installed debian #1
        "#]],
    );
}

#[test]
fn a_deadline_fails_a_run_and_grants_nothing() {
    check(
        "arm debian; start 1; deadline; wait 6h; start 2; deadline; start 2; deadline",
        expect![[r#"
            arm debian   -> armed debian
            start 1      -> installing debian #1 attempt 1
            deadline     -> installing debian #1 attempt 1 (ignored: it is not time yet)
            start 2      -> installing debian #1 attempt 1 (ignored: it comes too late)
            deadline     -> failed debian #1 (nothing was heard until the deadline)
            start 2      -> failed debian #1 (nothing was heard until the deadline) (ignored: no install was granted)
            deadline     -> failed debian #1 (nothing was heard until the deadline) (ignored: the host is not armed; `bootwright host arm` arms it)
        "#]],
    );
}

#[test]
fn a_queue_has_a_length_that_can_be_overseen() {
    let many = vec!["debian"; 17].join(" ");
    check(
        &format!("arm; arm {many}; arm debian; queue {many}; queue"),
        expect![[r#"
        arm          -> new (ignored: the queue must name between 1 and 16 profiles)
        arm debian debian debian debian debian debian debian debian debian debian debian debian debian debian debian debian debian -> new (ignored: the queue must name between 1 and 16 profiles)
        arm debian   -> armed debian
        queue debian debian debian debian debian debian debian debian debian debian debian debian debian debian debian debian debian -> armed debian (ignored: the queue must name between 1 and 16 profiles)
        queue        -> armed debian (ignored: the queue must name between 1 and 16 profiles)
    "#]],
    );
}

#[test]
fn operators_may_say_the_same_thing_twice() {
    check(
        "hold; hold; local; local; live rescue; live rescue; live other; ignore; ignore; lock; lock; unlock; unlock",
        expect![[r#"
            hold         -> new, held
            hold         -> new, held (ignored: it is so already)
            local        -> new, local
            local        -> new, local (ignored: it is so already)
            live rescue  -> live rescue
            live rescue  -> live rescue (ignored: it is so already)
            live other   -> live other
            ignore       -> ignored
            ignore       -> ignored (ignored: it is so already)
            lock         -> ignored, locked
            lock         -> ignored, locked (ignored: it is so already)
            unlock       -> ignored
            unlock       -> ignored (ignored: it is so already)
        "#]],
    );
}

#[test]
fn what_a_backup_permits_is_withdrawn_when_it_is_restored_and_nothing_else_changes() {
    check(
        "restore; arm debian; restore; start 1; arm debian wipe; start 1; restore; finish 1; start 2; local; restore; \
         arm debian; start 2; finish 2; restore; up 2",
        expect![[r#"
            restore      -> new (ignored: the host is not armed; `bootwright host arm` arms it)
            arm debian   -> armed debian
            restore      -> new, held
            start 1      -> new, held (ignored: no install was granted)
            arm debian wipe -> armed debian, wipe
            start 1      -> installing debian #1 attempt 1, then wipe
            restore      -> new, held
            finish 1     -> new, held (ignored: it comes too late)
            start 2      -> new, held (ignored: no install was granted)
            local        -> new, local
            restore      -> new, local (ignored: the host is not armed; `bootwright host arm` arms it)
            arm debian   -> armed debian
            start 2      -> installing debian #2 attempt 1
            finish 2     -> installed debian #2
            restore      -> installed debian #2 (ignored: the host is not armed; `bootwright host arm` arms it)
            up 2         -> installed debian #2, up
        "#]],
    );
}
