public import EventSourcing

/// Finds the values at given paths of events' data, in one pass over the JSON.
public struct DataPaths: Sendable {
    private var tree = FieldTree()
    private let fields: [Int]

    /// Creates a search.
    ///
    /// - Parameter paths: such as `account` or `address.city`, in the order of preference.
    public init(_ paths: [String]) {
        var tree = FieldTree()
        fields = paths.map { tree.field(of: Array($0.utf8)) }
        self.tree = tree
    }

    /// Returns the value at the first path where the data has one, as text, or nil.
    ///
    /// At a path with several values, as in an array, it is the first. Objects, arrays and null are
    /// not values. Data that is not JSON has no values.
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
    /// Returns the value at `index` as text, or nil for null.
    fileprivate func text(at index: Int, of event: RecordedEvent) -> String? {
        let value = values[index]
        switch value.kind {
        case .null: return nil
        case .true: return "true"
        case .false: return "false"
        case .string, .number, .numberText:
            let bytes =
                value.isDecoded
                ? decoded[value.range]
                : event.bytes.dropFirst(value.range.lowerBound).prefix(value.range.count)
            return String(decoding: bytes, as: UTF8.self)
        }
    }
}
