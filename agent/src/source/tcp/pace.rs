//! How fast a device may send: a bucket of scans that refills with time. Pure.

/// A bucket of scans.
#[derive(Debug)]
pub struct Pace {
    per_second: u64,
    /// Room in the bucket, in thousandths of a scan.
    room: u64,
    full: u64,
    latest_ms: u64,
}

impl Pace {
    /// A full bucket of `burst` scans that refills by `per_second`; both are at least one.
    pub fn new(per_second: u32, burst: u32, now_ms: u64) -> Self {
        let full = u64::from(burst.max(1)) * 1000;
        Self {
            per_second: u64::from(per_second.max(1)),
            room: full,
            full,
            latest_ms: now_ms,
        }
    }

    /// Takes one scan out, and says how many milliseconds it must wait before it is handled.
    pub fn wait_ms(&mut self, now_ms: u64) -> u64 {
        let passed = now_ms.saturating_sub(self.latest_ms);
        self.latest_ms = self.latest_ms.max(now_ms);
        self.room = self.full.min(self.room + passed.saturating_mul(self.per_second));
        if self.room >= 1000 {
            self.room -= 1000;
            return 0;
        }
        let wait = (1000 - self.room).div_ceil(self.per_second);
        self.room = 0;
        self.latest_ms += wait;
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_what_comes_faster_than_the_rate_waits() {
        let mut pace = Pace::new(10, 3, 0);
        assert_eq!([0; 3].map(|now| pace.wait_ms(now)), [0, 0, 0]);
        assert_eq!(pace.wait_ms(0), 100);
        assert_eq!(pace.wait_ms(100), 100);
        assert_eq!(pace.wait_ms(10_000), 0);
    }
}
