use super::*;

const YEAR_MS: u64 = 365 * 86_400_000;
const TODAY_MS: u64 = 1_760_000_000_000;

fn reading(boot: u8, boottime_ms: u64, wall_ms: u64) -> ClockReading {
    ClockReading {
        boot_id: Uuid::from_text_order([boot; 16]),
        boottime_ms,
        wall_ms,
    }
}

fn mark() -> ClockMark {
    ClockMark {
        reading: reading(1, 50_000, TODAY_MS),
        site_ms: TODAY_MS + 123,
    }
}

/// The site's time at the moment of `now`, taken up from the mark.
fn site_ms(now: ClockReading) -> u64 {
    resume(Some(&mark()), now).now(now.boottime_ms).as_millis()
}

#[test]
fn a_new_site_starts_as_the_wall_clock() {
    let clock = resume(None, reading(1, 50_000, TODAY_MS));
    assert_eq!(clock.resumed(), Resumed::First);
    assert_eq!(clock.now(50_000).as_millis(), TODAY_MS);
    assert_eq!(clock.now(51_000).as_millis(), TODAY_MS + 1000);
}

#[test]
fn fault_25_a_jump_of_ten_years_moves_nothing_while_the_kernel_runs() {
    for wall in [TODAY_MS - 10 * YEAR_MS, TODAY_MS + 10 * YEAR_MS, 0, u64::MAX] {
        assert_eq!(site_ms(reading(1, 60_000, wall)), TODAY_MS + 123 + 10_000, "{wall}");
    }
}

#[test]
fn fault_25_a_suspended_machine_wakes_with_the_time_that_went_by() {
    assert_eq!(
        site_ms(reading(1, 50_000 + 3_600_000, TODAY_MS)),
        TODAY_MS + 123 + 3_600_000
    );
}

#[test]
fn fault_25_after_a_reboot_the_wall_clock_is_believed_within_thirty_days() {
    let hour = 3_600_000;
    assert_eq!(site_ms(reading(2, 9000, TODAY_MS + hour)), TODAY_MS + 123 + hour);
    let month = OFF_MAX.as_millis();
    assert_eq!(
        site_ms(reading(2, 9000, TODAY_MS + 10 * YEAR_MS)),
        TODAY_MS + 123 + month
    );
    let clock = resume(Some(&mark()), reading(2, 9000, TODAY_MS + 10 * YEAR_MS));
    assert_eq!(clock.resumed(), Resumed::Unsure(OFF_MAX));
}

#[test]
fn fault_26_a_machine_without_a_clock_starts_in_1970_and_time_goes_on_from_where_it_stood() {
    let start = reading(2, 9000, 9000);
    let clock = resume(Some(&mark()), start);
    assert_eq!(clock.resumed(), Resumed::Unsure(Span::ZERO));
    assert_eq!(clock.now(9000).as_millis(), TODAY_MS + 123);
    // The network sets the wall clock a minute later: the time line takes the minute and not the years.
    let synced = reading(2, 69_000, TODAY_MS + YEAR_MS);
    assert_eq!(clock.mark(synced).site_ms, TODAY_MS + 123 + 60_000);
}

#[test]
fn threat_34_no_reading_of_any_clock_turns_time_back() {
    let walls = [0, 1, TODAY_MS - 1, TODAY_MS, TODAY_MS + 1, u64::MAX];
    for boot in [1, 2] {
        for boottime in [0, 49_999, 50_000, 50_001, u64::MAX] {
            for wall in walls {
                let now = reading(boot, boottime, wall);
                let clock = resume(Some(&mark()), now);
                assert!(clock.now(boottime).as_millis() >= mark().site_ms, "{now:?}");
                assert!(clock.now(0) >= Timestamp::from_millis(mark().site_ms), "{now:?}");
                // A second restart from the new mark does not turn it back either.
                let again = resume(Some(&clock.mark(now)), reading(3, 5, 0));
                assert!(again.now(5) >= clock.now(boottime), "{now:?}");
            }
        }
    }
}
