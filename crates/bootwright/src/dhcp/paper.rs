//! What replies are written on, used again once they have left: a whole batch of fresh buffers is more than the allocator
//! keeps at hand.

use super::outlet::Answered;

/// How many buffers are kept: as many as a batch has datagrams.
const SHEETS_MAX: usize = 32;

/// The buffers of one listener.
#[derive(Debug, Default)]
pub(super) struct Paper {
    sheets: Vec<Vec<u8>>,
}

impl Paper {
    /// A buffer with whatever stood in it.
    pub(super) fn take(&mut self) -> Vec<u8> {
        self.sheets.pop().unwrap_or_default()
    }

    /// Takes back what replies that have left were written on, and leaves their list empty.
    pub(super) fn give_back(&mut self, answers: &mut Vec<Answered>) {
        let room = SHEETS_MAX.saturating_sub(self.sheets.len());
        self.sheets
            .extend(answers.drain(..).map(|answer| answer.payload).take(room));
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use bootwright_proto::dhcp::{Destination, Port};

    use super::*;

    #[test]
    fn no_more_sheets_are_kept_than_a_batch_needs() {
        let mut paper = Paper::default();
        let answer = || Answered {
            payload: vec![1, 2, 3],
            to: Destination::BroadcastLocal { port: 68 },
            from: (Ipv4Addr::LOCALHOST, Port::Dhcp),
            station: None,
        };
        let mut answers: Vec<Answered> = std::iter::repeat_with(answer).take(SHEETS_MAX + 5).collect();
        paper.give_back(&mut answers);
        assert!(answers.is_empty());
        assert_eq!(paper.sheets.len(), SHEETS_MAX);
        assert!(paper.take().capacity() > 0);
        assert_eq!(paper.sheets.len(), SHEETS_MAX - 1);
    }
}
