/// A view that is shown as a list of named fields.
public protocol FieldView: Codable, Sendable {
    /// The names and formatted values of the fields. A value is nil if the field is empty.
    ///
    /// Every value of the type has the same names in the same order.
    var fields: [(name: String, value: String?)] { get }
}

/// The values of a field before and after an event. A value is nil if the field is empty.
package struct FieldChange: Codable, Hashable, Sendable, CustomStringConvertible {
    /// The name of the field.
    package let field: String
    /// The value before.
    package let before: String?
    /// The value after.
    package let after: String?

    /// The change on one line, with `-` for an empty field: `balance 20.63 → 5.63`.
    package var description: String { "\(field) \(before ?? "-") → \(after ?? "-")" }

    /// Returns the values of every field, changed or not.
    package static func all(
        _ before: (some FieldView)?, _ after: (some FieldView)?
    ) -> [FieldChange] {
        let (old, new) = (before?.fields, after?.fields)
        let names = (old ?? new ?? []).map(\.name)
        return names.enumerated().map { index, name in
            FieldChange(
                field: name, before: old.flatMap { $0[index].value },
                after: new.flatMap { $0[index].value })
        }
    }

    /// Returns the fields whose values differ.
    package static func changes(
        _ before: (some FieldView)?, _ after: (some FieldView)?
    ) -> [FieldChange] {
        all(before, after).filter { $0.before != $0.after }
    }
}
