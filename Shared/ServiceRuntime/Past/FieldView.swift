/// Something that is shown field by field.
public protocol FieldView: Codable, Sendable {
    /// Names and values, for people; the same names in the same order for every one. Nil for what
    /// is not there.
    var fields: [(name: String, value: String?)] { get }
}

/// What became of a field, or would; nil where it is not there.
struct FieldChange: Codable, Hashable, Sendable, CustomStringConvertible {
    let field: String
    let before: String?
    let after: String?

    var description: String { "\(field) \(before ?? "-") → \(after ?? "-")" }

    /// Every field.
    static func pairs(_ before: (some FieldView)?, _ after: (some FieldView)?) -> [FieldChange] {
        let (old, new) = (before?.fields, after?.fields)
        let names = (old ?? new ?? []).map(\.name)
        return names.enumerated().map { index, name in
            FieldChange(
                field: name, before: old.flatMap { $0[index].value },
                after: new.flatMap { $0[index].value })
        }
    }

    /// The fields that are not what they were.
    static func all(_ before: (some FieldView)?, _ after: (some FieldView)?) -> [FieldChange] {
        pairs(before, after).filter { $0.before != $0.after }
    }
}
