public import EventSourcing

/// Looks for the values at some paths of events' data, in one pass over its JSON.
public struct DataPaths: Sendable {
    private var tree = FieldTree()
    private let fields: [Int]

    /// - Parameter paths: such as `account` or `address.city`, the one that is preferred first.
    public init(_ paths: [String]) {
        var tree = FieldTree()
        fields = paths.map { tree.field(of: Array($0.utf8)) }
        self.tree = tree
    }

    /// The value at the first of the paths at which the data has one, as text; nil if it has none,
    /// or is not JSON. Of several values at one path, as in an array, it is the first; objects,
    /// arrays and null are no values.
    public func text(in event: RecordedEvent) -> String? {
        let record = event.bytes.span
        guard let header = RecordHeader(record) else { return nil }
        var reader = EventReader(tree)
        reader.read(header.data, of: record, at: FieldTree.root)
        for field in fields {
            let index = reader.fields.firstIndex(of: field)
            if index >= 0, let text = reader.fields.text(at: index, of: event) { return text }
        }
        return nil
    }
}

extension EventFields {
    /// The value at `index` as text; nil for null.
    fileprivate func text(at index: Int, of event: RecordedEvent) -> String? {
        let value = values[index]
        switch value.kind {
        case .null: return nil
        case .true: return "true"
        case .false: return "false"
        case .string, .number, .numberText:
            guard !value.isDecoded else {
                return String(decoding: decoded[value.range], as: UTF8.self)
            }
            let start = event.bytes.startIndex
            return String(
                decoding: event.bytes[
                    (start + value.range.lowerBound)..<(start + value.range.upperBound)],
                as: UTF8.self)
        }
    }
}
