//! Article numbers are the same with and without leading zeros: a GS1 symbol carries 14 digits where the article master
//! has an EAN-13, a UPC-A or an EAN-8 (GS1 General Specifications, 3.3.2 and 4.1).

/// The lengths of a GTIN.
const LENGTHS: [usize; 4] = [8, 12, 13, 14];

/// All ways to write this code: itself alone, unless it is a GTIN.
pub fn forms(code: &str) -> Vec<String> {
    let mut forms = vec![code.to_owned()];
    if LENGTHS.contains(&code.len()) && checks(code) {
        let bare = code.trim_start_matches('0');
        let padded = LENGTHS.iter().filter(|length| **length >= bare.len());
        forms.extend(
            padded
                .map(|length| format!("{bare:0>length$}"))
                .filter(|form| form != code),
        );
    }
    forms
}

/// Whether it is all digits and the last is its check digit: weights 3 and 1 in turn from the right (ibid., 7.9).
fn checks(code: &str) -> bool {
    let mut sum = 0;
    for (place, digit) in code.bytes().rev().enumerate() {
        if !digit.is_ascii_digit() {
            return false;
        }
        sum += u32::from(digit - b'0') * if place % 2 == 0 { 1 } else { 3 };
    }
    sum > 0 && sum % 10 == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ean_13_is_found_by_what_a_gs1_symbol_carries() {
        assert_eq!(forms("09521234000013"), ["09521234000013", "9521234000013"]);
        assert_eq!(forms("9521234000013"), ["9521234000013", "09521234000013"]);
        assert_eq!(forms("00000096385074").len(), 4);
    }

    #[test]
    fn what_is_no_article_number_has_one_form() {
        for code in [
            "RAW-STEEL",
            "09521234000014",
            "0000000000000",
            "123",
            "WA1/MO/00001",
        ] {
            assert_eq!(forms(code), [code]);
        }
    }
}
