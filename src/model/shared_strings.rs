//! Strings that come again and again in what is read, states, names, keys, each made once.

use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::RandomState;

/// Longer strings are rarely the same.
const LONGEST: usize = 32;

/// A power of two.
const PLACES: usize = 256;

/// The latest short strings that were asked for. A string that is still here is shared; that costs less
/// than to make it and drop it again.
#[derive(Default)]
pub struct SharedStrings {
    places: Vec<Option<Arc<str>>>,
    hash: RandomState,
}

impl SharedStrings {
    pub fn get(&mut self, text: &str) -> Arc<str> {
        if text.len() > LONGEST {
            return text.into();
        }
        if self.places.is_empty() {
            self.places.resize(PLACES, None);
        }
        let place = self.hash.hash_one(text.as_bytes()) as usize % PLACES;
        match &self.places[place] {
            Some(known) if **known == *text => known.clone(),
            _ => {
                let made: Arc<str> = text.into();
                self.places[place] = Some(made.clone());
                made
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_string_is_made_once_and_others_are_what_they_are() {
        let mut shared = SharedStrings::default();
        let first = shared.get("on");
        assert!(Arc::ptr_eq(&first, &shared.get("on")));
        for number in 0..10_000 {
            let text = number.to_string();
            assert_eq!(*shared.get(&text), *text);
        }
        let long = "x".repeat(LONGEST + 1);
        assert_eq!(*shared.get(&long), *long);
    }
}
