//! The words between which semicolons do not end a statement: `while … end while`,
//! `loop … end loop`, and `case … end` where a statement begins.

/// What a word opens or closes for the one who cuts statements.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mark {
    /// Begins statements, up to its `end`.
    Opens,
    /// Begins the choice between values, up to its `end`; holds no semicolons.
    OpensChoice,
    Closes,
}

/// Follows the words of a text, as its bytes come.
#[derive(Default)]
pub struct Words {
    /// The word that is being read, in lower case; cut off where it is longer than any keyword.
    word: String,
    /// Whether the word stands where a statement can begin.
    begins: bool,
    /// Whether the word is part of a name: `:end`, `x.loop`.
    joined: bool,
    /// The word before, if nothing stands between.
    prior: String,
    /// Whether the list of a `for each` is being read, after which a statement comes.
    for_each: bool,
}

/// Longer than any keyword.
const CUT: usize = 8;

impl Words {
    /// Takes a byte of the text outside strings and comments. `before` is the last byte that was no
    /// blank, 0 at the beginning of a statement; `adjacent` the byte just before, blank or not.
    pub fn take(&mut self, byte: u8, before: u8, adjacent: u8) -> Option<Mark> {
        if is_letter(byte) {
            if self.word.is_empty() {
                let after = matches!(&*self.prior, "do" | "then" | "else" | "loop");
                self.begins = after || matches!(before, 0 | b';' | b'{');
                self.joined = matches!(adjacent, b':' | b'.' | b'#');
            }
            if self.word.len() < CUT {
                self.word.push(byte.to_ascii_lowercase() as char);
            }
            return None;
        }
        let mark = self.finish(byte);
        if !byte.is_ascii_whitespace() {
            self.prior.clear();
        }
        if matches!(byte, b';' | b'{') {
            self.for_each = false;
        }
        mark
    }

    /// The word that was read last is complete; `next` follows it.
    pub fn finish(&mut self, next: u8) -> Option<Mark> {
        if self.word.is_empty() {
            return None;
        }
        let word = std::mem::take(&mut self.word);
        let prior = std::mem::replace(&mut self.prior, word.clone());
        if self.joined || next == b':' {
            return None;
        }
        match &*word {
            "each" if prior == "for" => {
                self.for_each = true;
                None
            }
            "while" | "loop" if prior != "end" => {
                // `loop;` is no loop.
                let opens = (self.begins || self.for_each || prior == "as") && next != b';';
                self.for_each &= !opens;
                opens.then_some(Mark::Opens)
            }
            // After `then` and `else` the outer one decides; both are left at its `end`.
            "case" if self.begins && !matches!(&*prior, "then" | "else") => Some(Mark::Opens),
            "case" => Some(Mark::OpensChoice),
            "end" => Some(Mark::Closes),
            _ => None,
        }
    }

    /// Forgets the words of a statement that is over.
    pub fn clear(&mut self) {
        *self = Words::default();
    }
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}
