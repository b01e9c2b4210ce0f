//! Rows of a CSV file whose header names the fields, each turned into the JSON form of a message.
//!
//! | column | field |
//! |---|---|
//! | `kind`, `schema`, `external_id`, `station`, `operator`, `captured_at`, `reverses` | of the form |
//! | `order`, `purchase`, `item`, `lot`, `location`, `from`, `to`, `completion`, `reason` | of the body |
//! | `quantity`, `unit` | `quantity.value`, `quantity.unit` of the body |
//! | `serials` | of the body, several separated by blanks |
//!
//! The names may also be written as in JSON (`body.order`, `quantity.value`). An empty cell is an absent field. One line
//! is one row: a quote that is not closed harms its own line only. Lists of components need the JSON form.

use csv::{ByteRecord, ReaderBuilder};
use serde_json::{Map, Value};

use super::form::{Form, FormError};

/// Most columns.
const COLUMNS: usize = 64;

/// How the file is written.
#[derive(Debug, Clone, Copy)]
pub struct Dialect {
    /// What stands between cells. Default: a comma.
    pub delimiter: u8,
    /// Whether `12,5` is a quantity. Default: no.
    pub decimal_comma: bool,
}

impl Default for Dialect {
    fn default() -> Self {
        Self {
            delimiter: b',',
            decimal_comma: false,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Form(&'static str),
    Schema,
    Body(&'static str),
    Serials,
    Quantity,
    Unit,
}

const KNOWN: [(&str, Column); 20] = [
    ("kind", Column::Form("kind")),
    ("schema", Column::Schema),
    ("external_id", Column::Form("external_id")),
    ("station", Column::Form("station")),
    ("operator", Column::Form("operator")),
    ("captured_at", Column::Form("captured_at")),
    ("reverses", Column::Form("reverses")),
    ("order", Column::Body("order")),
    ("purchase", Column::Body("purchase")),
    ("item", Column::Body("item")),
    ("lot", Column::Body("lot")),
    ("location", Column::Body("location")),
    ("from", Column::Body("from")),
    ("to", Column::Body("to")),
    ("completion", Column::Body("completion")),
    ("reason", Column::Body("reason")),
    ("serials", Column::Serials),
    ("quantity", Column::Quantity),
    ("quantity.value", Column::Quantity),
    ("unit", Column::Unit),
];

/// The columns of a file, from its header.
#[derive(Debug, Clone)]
pub struct Header {
    columns: Vec<Column>,
    dialect: Dialect,
    kind: Option<String>,
}

impl Header {
    /// Reads the header line. `kind` is the kind of rows that name none. The error is about the file as a whole.
    pub fn parse(line: &str, dialect: Dialect, kind: Option<&str>) -> Result<Self, FormError> {
        let cells = cells(line.as_bytes(), dialect)?;
        let mut columns = Vec::with_capacity(cells.len());
        if cells.len() > COLUMNS {
            return Err(FormError::new(
                "header",
                format!("it has more than {COLUMNS} columns"),
            ));
        }
        for cell in &cells {
            let written = String::from_utf8_lossy(cell).trim().to_ascii_lowercase();
            let name = written.strip_prefix("body.").unwrap_or(&written);
            let name = if name == "quantity.unit" { "unit" } else { name };
            let found = KNOWN.iter().find(|(known, _)| *known == name);
            let Some((_, column)) = found else {
                let reason = format!("the column `{written}` is not known; is the delimiter right?");
                return Err(FormError::new(&written, reason));
            };
            if columns.contains(column) {
                return Err(FormError::new(&written, "the column stands there twice"));
            }
            columns.push(*column);
        }
        if kind.is_none() && !columns.contains(&Column::Form("kind")) {
            return Err(FormError::new("kind", "no column `kind` says what the rows mean"));
        }
        Ok(Self {
            columns,
            dialect,
            kind: kind.map(str::to_owned),
        })
    }

    /// The message of a row.
    pub fn row(&self, line: &str) -> Result<Form, FormError> {
        let cells = cells(line.as_bytes(), self.dialect)?;
        if cells.len() != self.columns.len() {
            let (found, wanted) = (cells.len(), self.columns.len());
            return Err(FormError::new(
                ".",
                format!("it has {found} cells, the header has {wanted}"),
            ));
        }
        let (mut form, mut body, mut quantity) = (Map::new(), Map::new(), Map::new());
        if let Some(kind) = &self.kind {
            form.insert("kind".to_owned(), kind.as_str().into());
        }
        for (column, cell) in self.columns.iter().zip(&cells) {
            let text = std::str::from_utf8(cell).unwrap_or_default().trim();
            if text.is_empty() {
                continue;
            }
            let as_text = Value::from(text);
            match column {
                Column::Form(name) => form.insert((*name).to_owned(), as_text),
                Column::Schema => form.insert(
                    "schema".to_owned(),
                    text.parse::<u16>().map_or(as_text, Value::from),
                ),
                Column::Body(name) => body.insert((*name).to_owned(), as_text),
                Column::Serials => body.insert(
                    "serials".to_owned(),
                    text.split_whitespace().map(Value::from).collect(),
                ),
                Column::Unit => quantity.insert("unit".to_owned(), as_text),
                Column::Quantity if self.dialect.decimal_comma => {
                    quantity.insert("value".to_owned(), text.replace(',', ".").into())
                }
                Column::Quantity => quantity.insert("value".to_owned(), as_text),
            };
        }
        if !quantity.is_empty() {
            body.insert("quantity".to_owned(), quantity.into());
        }
        form.insert("body".to_owned(), body.into());
        Form::parse(&Value::from(form).to_string()).map_err(by_column)
    }
}

/// The field of an error, as the column is called.
fn by_column(error: FormError) -> FormError {
    let field = error.field.strip_prefix("body.").unwrap_or(&error.field);
    let field = match field {
        "quantity.value" => "quantity",
        "quantity.unit" => "unit",
        other => other,
    };
    FormError::new(field, error.reason)
}

fn cells(line: &[u8], dialect: Dialect) -> Result<ByteRecord, FormError> {
    if line.iter().filter(|byte| **byte == b'"').count() % 2 == 1 {
        return Err(FormError::new(".", "a quote is not closed"));
    }
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(dialect.delimiter)
        .buffer_capacity(line.len().max(16))
        .from_reader(line);
    let mut record = ByteRecord::new();
    let read = reader.read_byte_record(&mut record);
    read.map_err(|error| FormError::new(".", error.to_string()))?;
    Ok(record)
}

#[cfg(test)]
mod tests {
    use millrace_shared::message::Message;

    use super::*;

    fn header(line: &str) -> Result<Header, FormError> {
        Header::parse(line, Dialect::default(), None)
    }

    #[test]
    fn a_row_is_the_form_that_its_header_says() {
        let header = header("kind,external_id,Order,quantity,unit,serials,lot").unwrap();
        let form = header
            .row(r#"production.confirm,E1,"WH/MO/1, big",2,,S1 S2,"#)
            .unwrap();
        assert_eq!(form.external_id.as_deref(), Some("E1"));
        let Message::ProductionConfirm(body) = &form.message else {
            panic!("{form:?}");
        };
        assert_eq!(body.order.as_str(), "WH/MO/1, big");
        assert_eq!(
            (body.serials.len(), &body.quantity.unit, &body.lot),
            (2, &None, &None)
        );
    }

    #[test]
    fn a_wrong_header_is_told_by_its_column() {
        let field = |line: &str| header(line).unwrap_err().field;
        assert_eq!(field("kind,colour"), "colour");
        assert_eq!(field("kind,item,body.item"), "body.item");
        assert_eq!(field("item,quantity"), "kind");
        assert_eq!(field("kind;item"), "kind;item");
        assert!(
            Header::parse(
                "item,quantity.value,quantity.unit",
                Dialect::default(),
                Some("scrap.report")
            )
            .is_ok()
        );
    }

    #[test]
    fn a_wrong_row_is_told_by_its_column() {
        let header = header("kind,item,location,quantity,order").unwrap();
        let field = |line: &str| header.row(line).unwrap_err().field;
        assert_eq!(field("inventory.count,A,B,-1,"), "quantity");
        assert_eq!(field("inventory.count,A,B,five,"), "quantity");
        assert_eq!(field("inventory.count,A,B,1,O1"), "order");
        assert_eq!(field("inventory.count,A,,1,"), "location");
        assert_eq!(field("inventory.guess,A,B,1,"), "kind");
        assert_eq!(field("inventory.count,A,B"), ".");
        assert_eq!(field(r#"inventory.count,"A,B,1,"#), ".");
    }

    #[test]
    fn a_semicolon_file_may_have_decimal_commas() {
        let dialect = Dialect {
            delimiter: b';',
            decimal_comma: true,
        };
        let header = Header::parse("item;location;quantity;unit", dialect, Some("inventory.count")).unwrap();
        let form = header.row("A;B;12,5;kg").unwrap();
        assert!(
            form.message
                .body()
                .unwrap()
                .contains(r#"{"value":"12.5","unit":"kg"}"#)
        );
    }
}
