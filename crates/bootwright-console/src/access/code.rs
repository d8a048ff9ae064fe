//! The one-time code that makes the first admin: printed where only somebody with rights on the box reads it.

use std::io;

use subtle::ConstantTimeEq as _;

use super::shelf::Shelf;

/// Letters and digits that nobody mistakes for each other (Crockford's base 32).
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// How many letters a code has: with the bound on tries, one in a hundred million guesses right.
const CODE_LETTERS: usize = 6;

/// How many wrong tries a code outlives.
const TRIES_MAX: u8 = 10;

/// A code, as long as it may be used.
pub(super) struct Code {
    letters: [u8; CODE_LETTERS],
    tries_left: u8,
}

/// What a try came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tried {
    Right,
    Wrong,
    /// Wrong, and that was the last try.
    UsedUp,
}

impl Code {
    pub(super) fn make(shelf: &dyn Shelf) -> io::Result<Self> {
        let mut bytes = [0; CODE_LETTERS];
        shelf.random(&mut bytes)?;
        Ok(Self {
            letters: bytes.map(|byte| LETTERS[usize::from(byte & 31)]),
            tries_left: TRIES_MAX,
        })
    }

    /// As it is printed: `7QF3-K2`.
    pub(super) fn text(&self) -> String {
        let letters = String::from_utf8_lossy(&self.letters);
        let (front, back) = letters.split_at(4);
        format!("{front}-{back}")
    }

    /// Compares it with what somebody typed, in any case, with or without the hyphen.
    pub(super) fn try_it(&mut self, typed: &str) -> Tried {
        if self.tries_left == 0 {
            return Tried::UsedUp;
        }
        let bytes = typed.bytes().filter(|byte| !matches!(byte, b'-' | b' ')).take(32);
        let typed: Vec<u8> = bytes
            .map(|byte| match byte.to_ascii_uppercase() {
                b'O' => b'0',
                b'I' | b'L' => b'1',
                byte => byte,
            })
            .collect();
        if bool::from(typed.as_slice().ct_eq(self.letters.as_slice())) {
            return Tried::Right;
        }
        self.tries_left -= 1;
        if self.tries_left == 0 {
            Tried::UsedUp
        } else {
            Tried::Wrong
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code() -> Code {
        Code {
            letters: *b"7QF1K0",
            tries_left: TRIES_MAX,
        }
    }

    #[test]
    fn a_code_is_taken_as_people_type_it() {
        assert_eq!(code().text(), "7QF1-K0");
        for typed in ["7QF1-K0", "7qf1k0", " 7QFI-KO ", "7qfl ko"] {
            assert_eq!(code().try_it(typed), Tried::Right, "{typed}");
        }
        for typed in ["", "-", "7QF1-K", "7QF1-K00", "7QF1-K1"] {
            assert_eq!(code().try_it(typed), Tried::Wrong, "{typed:?}");
        }
    }

    #[test]
    fn after_ten_wrong_tries_the_right_one_is_wrong_too() {
        let mut code = code();
        for round in 1..10 {
            assert_eq!(code.try_it("222222"), Tried::Wrong, "try {round}");
        }
        assert_eq!(code.try_it("222222"), Tried::UsedUp);
        assert_eq!(code.try_it("7QF1-K0"), Tried::UsedUp);
    }
}
