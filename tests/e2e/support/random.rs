//! Numbers for random tests, the same in each run.

/// A generator of numbers (splitmix64).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 up to `n`, which is not reached.
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// Whether what happens once in `n` times happens now.
    pub fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// One of these.
    pub fn of<'t, T>(&mut self, list: &'t [T]) -> &'t T {
        &list[self.below(list.len())]
    }

    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for i in (1..list.len()).rev() {
            list.swap(i, self.below(i + 1));
        }
    }
}

/// How many cases a random test tries: `short`, or what the environment variable `CASES` says.
pub fn cases(short: usize) -> usize {
    std::env::var("CASES").map_or(short, |n| n.parse().expect("CASES is a number"))
}

/// A random test's generator number `i`. The environment variable `SEED` makes other cases of it.
pub fn generator(i: u64) -> Random {
    let seed = std::env::var("SEED").map_or(0, |n| n.parse().expect("SEED is a number"));
    Random(seed * 1_000_003 + i)
}
