//! The step language of the Odoo addon as types. What the words mean is in the addon's README.
//!
//! Nothing here knows a business: kinds build their steps from these pieces.

use serde_json::{Map, Value, json};

use super::why::Say;

/// What an earlier step answered, at this path: `found.0`, `lines.*.id`.
pub fn at(path: impl AsRef<str>) -> Value {
    json!({ "$": path.as_ref() })
}

/// The first of these paths that leads to something: search or create.
pub fn first_of(paths: &[&str]) -> Value {
    json!({ "$": paths })
}

/// A call of a public method of Odoo.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    model: &'static str,
    method: &'static str,
    ids: Option<Value>,
    kwargs: Value,
    context: Option<Value>,
    each: bool,
    when_empty: Option<Value>,
    action_ok: bool,
}

impl Call {
    /// A method of these records.
    pub fn of(model: &'static str, method: &'static str, ids: impl Into<Value>) -> Self {
        Self {
            ids: Some(ids.into()),
            ..Self::on(model, method)
        }
    }

    /// A method of the model.
    pub fn on(model: &'static str, method: &'static str) -> Self {
        Self {
            model,
            method,
            ids: None,
            kwargs: json!({}),
            context: None,
            each: false,
            when_empty: None,
            action_ok: false,
        }
    }

    /// Reading these fields of these records.
    pub fn read(model: &'static str, ids: impl Into<Value>, fields: &[&str]) -> Self {
        Self::of(model, "read", ids).with(json!({ "fields": fields }))
    }

    /// Reading these fields of what a domain finds, by ascending id.
    pub fn search_read(model: &'static str, domain: Value, fields: &[&str]) -> Self {
        Self::on(model, "search_read").with(json!({ "domain": domain, "fields": fields, "order": "id" }))
    }

    /// Writing these values.
    pub fn write(model: &'static str, ids: impl Into<Value>, vals: Value) -> Self {
        Self::of(model, "write", ids).with(json!({ "vals": vals }))
    }

    /// With these arguments.
    pub fn with(mut self, kwargs: Value) -> Self {
        self.kwargs = kwargs;
        self
    }

    /// With this context beside the posting's.
    pub fn context(mut self, context: Value) -> Self {
        self.context = Some(context);
        self
    }

    /// One call for each record, for methods that take one only.
    pub fn each(mut self) -> Self {
        self.each = true;
        self
    }

    /// Only if an earlier step found nothing.
    pub fn when_empty(mut self, path: &str) -> Self {
        self.when_empty = Some(at(path));
        self
    }

    /// A window as answer is no failure of this method.
    pub fn may_open_window(mut self) -> Self {
        self.action_ok = true;
        self
    }

    fn put_into(&self, step: &mut Map<String, Value>) {
        step.insert("model".into(), self.model.into());
        step.insert("method".into(), self.method.into());
        let optional = [
            ("ids", self.ids.clone()),
            ("kwargs", (self.kwargs != json!({})).then(|| self.kwargs.clone())),
            ("context", self.context.clone()),
            ("each", self.each.then(|| true.into())),
            (
                "when",
                self.when_empty
                    .as_ref()
                    .map(|path| json!({ "ref": path, "empty": true })),
            ),
            ("action_ok", self.action_ok.then(|| true.into())),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                step.insert(name.into(), value);
            }
        }
    }
}

/// What must be true after a step, or the posting did not happen.
#[derive(Debug, Clone, PartialEq)]
pub struct Expect {
    form: Value,
    say: Say,
}

impl Expect {
    /// Every one of these records satisfies the domain. A missing record does not.
    pub fn all(model: &'static str, ids: impl Into<Value>, domain: Value, say: Say) -> Self {
        Self {
            form: json!({ "model": model, "ids": ids.into(), "all": domain }),
            say,
        }
    }

    /// The domain finds so many.
    pub fn count(model: &'static str, domain: Value, count: usize, say: Say) -> Self {
        Self {
            form: json!({ "model": model, "domain": domain, "count": count }),
            say,
        }
    }

    /// These records have these values, compared as Odoo compares floats: `{"field": [one for each record]}`.
    pub fn values(model: &'static str, ids: impl Into<Value>, values: Value, say: Say) -> Self {
        Self {
            form: json!({ "model": model, "ids": ids.into(), "values": values }),
            say,
        }
    }

    /// The step answered so many things.
    pub fn len(len: usize, say: Say) -> Self {
        Self {
            form: json!({ "len": len }),
            say,
        }
    }

    /// As the addon reads it.
    pub fn to_json(&self) -> Value {
        let mut json = self.form.clone();
        json["say"] = self.say.line().into();
        json
    }
}

/// One step: a call, expectations, or both.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    name: String,
    call: Option<Call>,
    expect: Vec<Expect>,
}

impl Step {
    pub(super) fn new(name: impl Into<String>, call: Option<Call>, expect: Vec<Expect>) -> Self {
        Self {
            name: name.into(),
            call,
            expect,
        }
    }

    pub(super) fn expect(&mut self, more: impl IntoIterator<Item = Expect>) {
        self.expect.extend(more);
    }

    /// As the addon reads it.
    pub fn to_json(&self) -> Value {
        let mut step = Map::new();
        step.insert("as".into(), self.name.clone().into());
        if let Some(call) = &self.call {
            call.put_into(&mut step);
        }
        if !self.expect.is_empty() {
            step.insert("expect".into(), self.expect.iter().map(Expect::to_json).collect());
        }
        Value::Object(step)
    }
}
