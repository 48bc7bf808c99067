//! Cuts running text into statements.

use std::collections::VecDeque;
use std::sync::Arc;

use super::blocks::{BlockMark, BlockWords};
use super::lexer::{Lexeme, LexemeKind, Lexer};
use super::plot::plot_comment;
use crate::text::diagnostic::SourceText;

/// Cuts text that arrives in pieces into statements, at the semicolons that close them.
///
/// A semicolon in a string, a comment, a block `{ …; … }` or a loop `while … end while` closes
/// nothing. One inside parentheses that were never closed does, so that a slip does not swallow the
/// rest of a script. Every byte is looked at once, however the text is cut up. Blanks and comments
/// before a statement are no part of it, but for a comment that says how its results are shown, and what
/// stands between the two.
pub struct Splitter {
    name: String,
    /// Text that no statement has been made of yet.
    text: String,
    lexer: Lexer,
    /// Where the next lexeme begins.
    here: Place,
    /// Where the statement begins, once its first lexeme is there.
    start: Option<Place>,
    /// Brackets that are open.
    open: Vec<Bracket>,
    words: BlockWords,
    /// The last byte of the statement's last lexeme, 0 before the first.
    last: u8,
    ready: VecDeque<Arc<SourceText>>,
}

/// A place in the text.
#[derive(Clone, Copy)]
struct Place {
    /// In bytes of the text that is held.
    at: usize,
    /// Line and column in the whole text, from 1.
    line: usize,
    column: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Bracket {
    /// Parentheses, square brackets, the braces of a record, and a `case` that chooses a value.
    Expression,
    /// The braces of a block of statements.
    Block,
    /// `while`, `loop` or `case` with statements up to its `end`.
    Words,
}

impl Splitter {
    /// A splitter for text that messages call `name`.
    pub fn new(name: &str) -> Splitter {
        Splitter {
            name: name.to_owned(),
            text: String::new(),
            lexer: Lexer::default(),
            here: Place {
                at: 0,
                line: 1,
                column: 1,
            },
            start: None,
            open: Vec::new(),
            words: BlockWords::default(),
            last: 0,
            ready: VecDeque::new(),
        }
    }

    /// Takes more text.
    pub fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.read(false);
        self.forget();
    }

    /// The next whole statement, with its semicolon, if the text so far holds one.
    pub fn next_statement(&mut self) -> Option<Arc<SourceText>> {
        self.ready.pop_front()
    }

    /// Whatever is left at the end of the text, as a statement that needs no semicolon: also a comment
    /// that is never closed, or nobody would hear of what it hides. Text that is pushed after it is
    /// the text that follows.
    pub fn finish(&mut self) -> Option<Arc<SourceText>> {
        self.read(true);
        if let Some(start) = self.start.take() {
            self.cut(start, self.text.len());
        }
        self.forget();
        self.ready.pop_front()
    }

    /// Whether a statement, or a comment, has been begun and not closed yet.
    pub fn is_pending(&self) -> bool {
        self.start.is_some() || self.lexer.is_within_lexeme(&self.text)
    }

    /// The text of the statement that has been begun and not closed yet.
    pub fn pending(&self) -> &str {
        &self.text
    }

    /// Takes the lexemes that are complete; `is_whole` if no text will follow.
    fn read(&mut self, is_whole: bool) {
        while let Some(lexeme) = self.lexer.next(&self.text, is_whole) {
            if !lexeme.is_trivia() {
                self.take(lexeme);
            } else if lexeme.kind == LexemeKind::LineComment
                && plot_comment(lexeme.text(&self.text)).is_some()
            {
                self.start.get_or_insert(self.here);
            }
            self.pass(lexeme);
        }
    }

    /// Goes on to the end of `lexeme`.
    fn pass(&mut self, lexeme: Lexeme) {
        let text = lexeme.text(&self.text);
        match text.rfind('\n') {
            Some(at) => {
                self.here.line += text.bytes().filter(|b| *b == b'\n').count();
                self.here.column = 1 + text[at + 1..].chars().count();
            }
            None => self.here.column += text.chars().count(),
        }
        self.here.at = lexeme.end;
    }

    fn take(&mut self, lexeme: Lexeme) {
        if lexeme.kind == LexemeKind::Semicolon && self.start.is_none() {
            return;
        }
        self.start.get_or_insert(self.here);
        let text = lexeme.text(&self.text);
        // A brace before a string opens a record, also where a block could stand.
        if self.last == b'{' && text.starts_with(['\'', '"', ':']) {
            self.open.pop();
            self.open.push(Bracket::Expression);
        }
        let before = std::mem::replace(&mut self.last, text.bytes().last().unwrap_or(0));
        let mark = self.words.take(lexeme, &self.text);
        match (lexeme.kind, self.last) {
            (LexemeKind::OpenBracket, b'{') => self.open.push(brace(before)),
            (LexemeKind::OpenBracket, _) => self.open.push(Bracket::Expression),
            (LexemeKind::CloseBracket, b'}') if self.open.last() == Some(&Bracket::Words) => {
                self.close(Bracket::Block);
            }
            (LexemeKind::CloseBracket, _) => drop(self.open.pop()),
            (LexemeKind::Semicolon, _) => self.semicolon(lexeme),
            _ => self.mark(mark),
        }
    }

    /// What a word means for the brackets.
    fn mark(&mut self, mark: Option<BlockMark>) {
        match mark {
            Some(BlockMark::OpensStatements) => self.open.push(Bracket::Words),
            Some(BlockMark::OpensChoice) => self.open.push(Bracket::Expression),
            // The choice between values, or parentheses in it that are still open.
            Some(BlockMark::Closes) if self.open.last() != Some(&Bracket::Block) => {
                self.open.pop();
            }
            Some(BlockMark::Closes) | None => {}
        }
    }

    /// Closes the innermost such bracket and all within it.
    fn close(&mut self, bracket: Bracket) {
        if let Some(at) = self.open.iter().rposition(|b| *b == bracket) {
            self.open.truncate(at);
        }
    }

    fn semicolon(&mut self, lexeme: Lexeme) {
        while self.open.last() == Some(&Bracket::Expression) {
            self.open.pop();
        }
        if self.open.is_empty()
            && let Some(start) = self.start.take()
        {
            self.cut(start, lexeme.end);
        }
    }

    /// Makes a statement of the text from `start` to `end`.
    fn cut(&mut self, start: Place, end: usize) {
        let place = (start.line, start.column);
        let source = SourceText::at_place(&self.name, &self.text[start.at..end], place);
        self.ready.push_back(source);
        self.open.clear();
        self.words = BlockWords::default();
        self.last = 0;
    }

    /// Drops the text that is done with.
    fn forget(&mut self) {
        let done = self.start.map_or(self.here.at, |start| start.at);
        if done > 0 {
            self.text.drain(..done);
            self.lexer.forget(done);
            self.here.at -= done;
            if let Some(start) = &mut self.start {
                start.at -= done;
            }
        }
    }
}

/// What a brace opens, by the byte before it.
fn brace(before: u8) -> Bracket {
    match before {
        b'=' | b'(' | b',' | b'[' | b':' | b'+' | b'<' | b'>' => Bracket::Expression,
        _ => Bracket::Block,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The statements of `text` with their lines and columns, pushed in pieces that end at `cuts`.
    fn pieces(text: &str, cuts: &[usize]) -> Vec<((usize, usize), String)> {
        let mut splitter = Splitter::new("test");
        let mut found = Vec::new();
        let mut at = 0;
        for cut in cuts.iter().copied().chain([text.len()]) {
            if cut > at && text.is_char_boundary(cut) {
                splitter.push(&text[at..cut]);
                at = cut;
                found.extend(std::iter::from_fn(|| splitter.next_statement()));
            }
        }
        found.extend(splitter.finish());
        found
            .iter()
            .map(|s| ((s.first_line, s.first_column), s.text.clone()))
            .collect()
    }

    fn texts(text: &str) -> Vec<String> {
        pieces(text, &[]).into_iter().map(|(_, t)| t).collect()
    }

    #[test]
    fn statements_end_at_their_semicolons() {
        let script =
            "1+1; 'åß'; 2;\n/* a; b */ set :x = ';';\n\n// c;\nprint(\"\\\";\") ; ;\n quit";
        assert_eq!(
            pieces(script, &[]),
            [
                ((1, 1), "1+1;".to_owned()),
                ((1, 6), "'åß';".to_owned()),
                ((1, 12), "2;".to_owned()),
                ((2, 12), "set :x = ';';".to_owned()),
                ((5, 1), "print(\"\\\";\") ;".to_owned()),
                ((6, 2), "quit".to_owned()),
            ]
        );
    }

    #[test]
    fn blocks_stay_whole() {
        let block = "create function f() -> Real as { declare Real x; set x = 1; return x; };";
        assert_eq!(texts(&format!("{block} 2;")), [block, "2;"]);
        let nested = "for each Pump p { {set a(p) = f({'x': 1}); }; return p; };";
        assert_eq!(texts(nested), [nested]);
    }

    #[test]
    fn loops_stay_whole() {
        for whole in [
            "while :i < 3 do set :i = :i + 1; print(:i); end while;",
            "WHILE (f(:i)) DO set :i = g(case when :i > 1 then 2 else 3 end); END WHILE;",
            "loop set :i = :i - 1; case when :i = 0 then leave; end; end loop;",
            "while true do while false do f(1); end while; leave; end while;",
            "for each Integer i where i in range(3) while g(i) do print(i); leave; end while;",
            "for each Pump p { while f(p) do set g(p) = 1; end while; set h(p) = 2; };",
            "case when :x > 1 then print(1); when :x > 2 then print(2); else print(3); end;",
            "create function f() -> Real as while g() do h(); end while;",
            "{ loop leave; };",
            "while f() do /* again */ while g() do h(); end while; end // of it\n while;",
        ] {
            assert_eq!(texts(&format!("{whole} 2;")), [whole, "2;"]);
        }
    }

    #[test]
    fn the_words_of_loops_are_names_elsewhere() {
        for whole in [
            "case when :x > 1 then case when :y > 1 then 1 else 2 end else 3 end;",
            "set :while = 1;",
            "set :end = :loop + :case;",
            "select loop from Integer loop where loop in range(3);",
            "f(while, :end);",
            "loop;",
            "create function f(Integer x) -> Integer as case when x > 1 then 2;",
            "select case when x > 1 then 2 from Integer x;",
            "loop:start();",
        ] {
            assert_eq!(texts(&format!("{whole} 2;")), [whole, "2;"]);
        }
    }

    #[test]
    fn an_open_bracket_does_not_swallow_the_script() {
        assert_eq!(texts("f(1;\n2;"), ["f(1;", "2;"]);
        assert_eq!(texts("set :r = {'a': 1;\n2;"), ["set :r = {'a': 1;", "2;"]);
        assert_eq!(texts("{'a': [1;\n2;"), ["{'a': [1;", "2;"]);
        assert_eq!(texts("f(1));\n2;"), ["f(1));", "2;"]);
        let broken = "create function f() -> Real as { set x = g(1; return x; };";
        assert_eq!(texts(&format!("{broken}\n2;")), [broken, "2;"]);
    }

    #[test]
    fn an_open_string_or_comment_is_given_at_the_end() {
        assert_eq!(texts("1; print('a); 2;\n3;"), ["1;", "print('a); 2;\n3;"]);
        assert_eq!(texts("1; /* a; 2;"), ["1;", "/* a; 2;"]);
    }

    #[test]
    fn a_stray_bar_hides_no_semicolon() {
        assert_eq!(texts("a | b; c | d;"), ["a | b;", "c | d;"]);
        assert_eq!(texts("f(|a';'b|);"), ["f(|a';'b|);"]);
    }

    #[test]
    fn blanks_and_comments_are_no_statement() {
        assert_eq!(texts(" ; \n// a\n/* b */ ;"), Vec::<String>::new());
    }

    #[test]
    fn a_comment_that_asks_for_a_plot_belongs_to_the_statement() {
        let script = "1;\n // a\n //plot: Line plot\n // b\n2; 3;\n//plot: Text";
        assert_eq!(
            pieces(script, &[]),
            [
                ((1, 1), "1;".to_owned()),
                ((3, 2), "//plot: Line plot\n // b\n2;".to_owned()),
                ((5, 4), "3;".to_owned()),
                ((6, 1), "//plot: Text".to_owned()),
            ]
        );
    }

    #[test]
    fn knows_what_is_pending() {
        let mut splitter = Splitter::new("test");
        for (text, pending) in [
            ("select 1", true),
            (";", false),
            (" // done\n", false),
            ("/* not", true),
            (" yet */", false),
            ("'a;", true),
            ("';", false),
            ("//plot: Line plot\n", true),
            ("1;", false),
        ] {
            splitter.push(text);
            assert_eq!(splitter.is_pending(), pending, "after {text:?}");
        }
    }

    #[test]
    fn what_is_long_and_comes_in_small_pieces_is_read_once() {
        for (open, piece, close) in [
            ("f([", "1234567,\n", "0]);"),
            ("'", "12345;67", "';"),
            ("\"", "1234\\\"5;", "\";"),
            ("1 /*", "1234567*", "*/;"),
            ("1 //", "1234567;", "\n;"),
            ("", "abcdefg1", ";"),
            ("", "12345678", ";"),
            ("|", "12345678", "|;"),
        ] {
            let mut splitter = Splitter::new("test");
            let started = std::time::Instant::now();
            splitter.push(open);
            for _ in 0..300_000 {
                splitter.push(piece);
            }
            splitter.push(close);
            assert!(splitter.next_statement().is_some(), "{open}");
            assert!(started.elapsed().as_secs() < 20, "{open}");
        }
    }

    proptest! {
        #[test]
        fn pieces_do_not_depend_on_the_cuts(
            text in crate::syntax::text_of_pieces(),
            mut cuts in prop::collection::vec(0..150usize, 0..12),
        ) {
            cuts.sort_unstable();
            cuts.retain(|cut| *cut <= text.len());
            prop_assert_eq!(pieces(&text, &cuts), pieces(&text, &[]));
        }
    }
}
