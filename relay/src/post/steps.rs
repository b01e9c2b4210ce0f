//! A list of steps that cannot be built without its checks.
//!
//! Odoo answers 200 and `True` and does nothing, so a change counts only if something is expected after it. That is
//! a matter of types here: only [`Proven`] steps become a posting. They begin with what must still be true of the
//! records that the codes were resolved to, so a stale answer cannot post.
//!
//! ```compile_fail,E0599
//! # use millrace_relay::post::{step::*, steps::*, why::*};
//! # use serde_json::json;
//! # fn still_open() -> Expect { Expect::len(0, Say::new(Why::Changed, "")) }
//! let steps = Steps::guarded([still_open()]).change("done", Call::of("mrp.production", "button_mark_done", json!([7])));
//! steps.finish(); // nothing was expected after the change
//! ```

use std::marker::PhantomData;

use serde_json::{Value, json};

use super::step::{Call, Expect, Step};
use super::why::{Say, Why};

/// Nothing was changed yet.
#[derive(Debug)]
pub enum Guarded {}
/// Something was changed and nothing was expected since.
#[derive(Debug)]
pub enum Owing {}
/// What was changed last was followed by an expectation.
#[derive(Debug)]
pub enum Proven {}

/// Steps of one posting, in a state that the type names.
#[derive(Debug)]
pub struct Steps<State> {
    list: Vec<Step>,
    state: PhantomData<State>,
}

impl Steps<Guarded> {
    /// Begins with what must still be true of the resolved records.
    pub fn guarded<const N: usize>(first: [Expect; N]) -> Self {
        const { assert!(N > 0, "a posting is guarded by something") };
        Self {
            list: vec![Step::new("pre", None, first.into())],
            state: PhantomData,
        }
    }

    /// On to the changes, where it depends on the message which comes first.
    pub fn begin(self) -> Steps<Owing> {
        self.become_()
    }

    /// More of it.
    pub fn and(mut self, more: impl IntoIterator<Item = Expect>) -> Self {
        if let Some(pre) = self.list.first_mut() {
            pre.expect(more);
        }
        self
    }
}

impl<State> Steps<State> {
    /// A call that only reads, and what is expected of its answer.
    pub fn read(mut self, name: &str, call: Call, expect: impl IntoIterator<Item = Expect>) -> Self {
        self.list
            .push(Step::new(name, Some(call), expect.into_iter().collect()));
        self
    }

    /// A call that changes something.
    pub fn change(mut self, name: impl Into<String>, call: Call) -> Steps<Owing> {
        self.list.push(Step::new(name, Some(call), Vec::new()));
        self.become_()
    }

    /// Creates a record for each row. That it does is checked: Odoo merges equal rows of some models, and then every
    /// later index names another record.
    pub fn create(self, name: impl Into<String>, model: &'static str, rows: Vec<Value>) -> Steps<Owing> {
        self.create_if(name, model, rows, None)
    }

    /// Creates a record for each row if an earlier step found nothing.
    pub fn create_if(
        mut self,
        name: impl Into<String>,
        model: &'static str,
        rows: Vec<Value>,
        nothing_at: Option<&str>,
    ) -> Steps<Owing> {
        let say = Say::new(Why::NotDone, format!("{model} was not created row by row"));
        let len = Expect::len(rows.len(), say);
        let mut call = Call::on(model, "create").with(json!({ "vals_list": rows }));
        if let Some(path) = nothing_at {
            call = call.when_empty(path);
        }
        self.list.push(Step::new(name, Some(call), vec![len]));
        self.become_()
    }

    fn become_<Next>(self) -> Steps<Next> {
        Steps {
            list: self.list,
            state: PhantomData,
        }
    }
}

impl Steps<Owing> {
    /// What must be true now. At least one thing.
    pub fn proven_by<const N: usize>(mut self, expect: [Expect; N]) -> Steps<Proven> {
        const { assert!(N > 0, "a change is proven by something") };
        if let Some(last) = self.list.last_mut() {
            last.expect(expect);
        }
        self.become_()
    }
}

impl Steps<Proven> {
    /// More of what must be true now.
    pub fn and(mut self, more: impl IntoIterator<Item = Expect>) -> Self {
        if let Some(last) = self.list.last_mut() {
            last.expect(more);
        }
        self
    }

    /// On to more changes, which owe their own proof.
    pub fn go_on(self) -> Steps<Owing> {
        self.become_()
    }

    /// The finished list.
    pub fn finish(self) -> Vec<Step> {
        self.list
    }
}
