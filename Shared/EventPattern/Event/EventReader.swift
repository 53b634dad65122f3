import EventSourcing
import JSON

/// Reads the values that a FieldTree asks for, in one pass over an event's JSON.
struct EventReader: ~Copyable {
    private let tree: FieldTree
    private(set) var fields: EventFields

    init(_ tree: FieldTree) {
        self.tree = tree
        fields = EventFields(count: tree.fieldCount)
    }

    /// Reads the JSON at `range` as the value of the attribute at `node`.
    ///
    /// The attribute has no values if the text is not JSON or is nested too deep.
    mutating func read(_ range: Range<Int>, of bytes: Span<UInt8>, at node: Int) {
        let count = fields.values.count
        var scanner = JSONScanner(range, maximumDepth: PatternLimits.eventDepth)
        do throws(JSONError) {
            try value(&scanner, bytes, node, scope: 0)
            try scanner.finish(bytes)
        } catch {
            fields.removeValues(from: count)
        }
    }

    /// Adds a string at a range of the record.
    mutating func add(_ range: Range<Int>, to field: Int) {
        fields.append(FieldValue(kind: .string, range: range), to: field)
    }

    /// Adds a text that the record does not hold.
    mutating func add(_ text: String, as kind: FieldValue.Kind = .string, to field: Int) {
        let start = fields.decoded.count
        fields.decoded.append(contentsOf: text.utf8)
        fields.append(
            FieldValue(kind: kind, isDecoded: true, range: start..<fields.decoded.count), to: field)
    }

    mutating func add(_ number: UInt64, to field: Int) {
        if let double = JSONNumber.double(number) {
            fields.append(FieldValue(kind: .number, number: double), to: field)
        } else {
            add(String(number), as: .numberText, to: field)
        }
    }

    private mutating func value(
        _ scanner: inout JSONScanner, _ bytes: Span<UInt8>, _ node: Int, scope: Int32
    ) throws(JSONError) {
        switch scanner.peek(bytes) {
        case UInt8(ascii: "{") where tree.leadsOn(from: node):
            try object(&scanner, bytes, node, scope)
        case UInt8(ascii: "{"): try scanner.skip(bytes)
        case UInt8(ascii: "["): try array(&scanner, bytes, node, scope)
        default:
            let scalar = try scanner.scalar(bytes)
            if let field = tree.field(at: node) { add(scalar, bytes, field, scope) }
        }
    }

    private mutating func object(
        _ scanner: inout JSONScanner, _ bytes: Span<UInt8>, _ node: Int, _ scope: Int32
    ) throws(JSONError) {
        try scanner.open()
        while try scanner.hasNext(bytes, until: UInt8(ascii: "}")) {
            let key = try scanner.key(bytes)
            if let child = child(of: node, key, bytes) {
                try value(&scanner, bytes, child, scope: scope)
            } else {
                try scanner.skip(bytes)
            }
        }
    }

    private mutating func array(
        _ scanner: inout JSONScanner, _ bytes: Span<UInt8>, _ node: Int, _ scope: Int32
    ) throws(JSONError) {
        try scanner.open()
        let array = fields.scopes.openArray()
        while try scanner.hasNext(bytes, until: UInt8(ascii: "]")) {
            let next = scanner.peek(bytes)
            let isScope = next == UInt8(ascii: "{") || next == UInt8(ascii: "[")
            try value(
                &scanner, bytes, node,
                scope: isScope ? fields.scopes.open(in: array, inside: scope) : scope)
        }
        fields.scopes.close(array)
    }

    private func child(of node: Int, _ key: JSONScanner.Text, _ bytes: Span<UInt8>) -> Int? {
        guard key.isEscaped else {
            return tree.child(of: node, named: bytes.extracting(key.range))
        }
        var name: [UInt8] = []
        key.append(to: &name, from: bytes)
        return tree.child(of: node, named: name.span)
    }

    private mutating func add(
        _ scalar: JSONScanner.Scalar, _ bytes: Span<UInt8>, _ field: Int, _ scope: Int32
    ) {
        var value = FieldValue(kind: .null, scope: scope)
        switch scalar {
        case .null: break
        case .true: value.kind = .true
        case .false: value.kind = .false
        case .number(let range):
            value.range = range
            if let number = JSONNumber.double(bytes.extracting(range)) {
                (value.kind, value.number) = (.number, number)
            } else {
                value.kind = .numberText
            }
        case .string(let text):
            (value.kind, value.range, value.isDecoded) = (.string, text.range, text.isEscaped)
            if text.isEscaped {
                let start = fields.decoded.count
                text.append(to: &fields.decoded, from: bytes)
                value.range = start..<fields.decoded.count
            }
        }
        fields.append(value, to: field)
    }
}
