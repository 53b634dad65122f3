/// Something that is shown field by field.
public protocol FieldView: Codable, Sendable {
    /// Names and values, for people; the same names in the same order for every one. Nil for what
    /// is not there.
    var fields: [(name: String, value: String?)] { get }
}

/// What became of a field, or would; nil where it is not there.
package struct FieldChange: Codable, Hashable, Sendable, CustomStringConvertible {
    package let field: String
    package let before: String?
    package let after: String?

    package var description: String { "\(field) \(before ?? "-") → \(after ?? "-")" }

    /// Every field.
    package static func pairs(_ before: (some FieldView)?, _ after: (some FieldView)?) -> [FieldChange] {
        let (old, new) = (before?.fields, after?.fields)
        let names = (old ?? new ?? []).map(\.name)
        return names.enumerated().map { index, name in
            FieldChange(
                field: name, before: old.flatMap { $0[index].value },
                after: new.flatMap { $0[index].value })
        }
    }

    /// The fields that are not what they were.
    package static func all(_ before: (some FieldView)?, _ after: (some FieldView)?) -> [FieldChange] {
        pairs(before, after).filter { $0.before != $0.after }
    }
}
