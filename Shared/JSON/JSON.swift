public import Foundation

/// The one way in which values are written as JSON: with sorted keys, so that equal values have
/// equal bytes.
public enum JSON {
    /// Returns the value as JSON in one line.
    public static func encode(_ value: some Encodable) throws -> [UInt8] { Array(try data(value)) }

    /// Returns the value as JSON in one line.
    public static func data(_ value: some Encodable) throws -> Data { try encoder.encode(value) }

    /// Returns the list as ``data(_:)`` does, and pauses after each millisecond, so that its thread
    /// can do other work.
    ///
    /// - Throws: what the elements' encoding throws, and `CancellationError`.
    public static func data(
        pausing list: [some Encodable],
        isolation: isolated (any Actor)? = #isolation
    ) async throws -> Data {
        var json = Data("[".utf8)
        var end = ContinuousClock.now + .milliseconds(1)
        for element in list {
            if json.count > 1 { json.append(UInt8(ascii: ",")) }
            json.append(try data(element))
            guard .now >= end else { continue }
            await Task.yield()
            try Task.checkCancellation()
            end = .now + .milliseconds(1)
        }
        json.append(UInt8(ascii: "]"))
        return json
    }

    /// Returns the value as JSON in one line.
    public static func text(_ value: some Encodable) throws -> String {
        String(decoding: try data(value), as: UTF8.self)
    }

    /// Returns the value as JSON with an indented line for each member.
    public static func pretty(_ value: some Encodable) throws -> Data {
        try prettyEncoder.encode(value)
    }

    /// Reads the value from JSON.
    ///
    /// - Throws: `DecodingError`, and what the type's own decoding throws.
    public static func decode<Value: Decodable>(
        _ type: Value.Type = Value.self, from bytes: some Collection<UInt8>
    ) throws -> Value {
        do {
            return try decoder.decode(type, from: bytes as? Data ?? Data(bytes))
        } catch DecodingError.dataCorrupted(let context)
            where context.debugDescription.hasPrefix("The given data was not valid JSON")
        {
            throw DecodingError.dataCorrupted(
                DecodingError.Context(codingPath: [], debugDescription: fault(of: Array(bytes))))
        }
    }

    /// Returns why a decoder says that the text is not JSON.
    ///
    /// Foundation's says so of JSON, too, if a number does not fit the type of its field.
    private static func fault(of text: [UInt8]) -> String {
        do throws(JSONError) {
            try JSONScanner.check(text)
            return "a number in it is out of range, or has a fraction where none is allowed"
        } catch {
            return "it is not JSON \(error.place)"
        }
    }

    private static let decoder = JSONDecoder()
    private static let encoder = encoder(.sortedKeys, .withoutEscapingSlashes)
    private static let prettyEncoder = encoder(
        .sortedKeys, .withoutEscapingSlashes, .prettyPrinted)

    private static func encoder(_ formatting: JSONEncoder.OutputFormatting...) -> JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .init(formatting)
        return encoder
    }
}

extension KeyedDecodingContainer {
    /// Reads the value of a key, or returns `value` if the key is missing or null.
    public func decode<Value: Decodable>(_ key: Key, or value: Value) throws -> Value {
        try decodeIfPresent(Value.self, forKey: key) ?? value
    }
}

extension DecodingError {
    /// What is wrong and where, in one line.
    public var oneLine: String {
        let context: Context
        switch self {
        case .typeMismatch(_, let found), .valueNotFound(_, let found), .dataCorrupted(let found):
            context = found
        case .keyNotFound(let key, let context):
            let path = Self.path(context)
            return "\(path.isEmpty ? "it" : path) lacks '\(key.stringValue)'"
        @unknown default: return "it can't be read"
        }
        let path = Self.path(context)
        return path.isEmpty ? context.debugDescription : "\(path): \(context.debugDescription)"
    }

    /// A path such as `rules[0].targets`.
    private static func path(_ context: Context) -> String {
        context.codingPath.reduce(into: "") { path, key in
            if let index = key.intValue {
                path += "[\(index)]"
            } else {
                path += path.isEmpty ? key.stringValue : ".\(key.stringValue)"
            }
        }
    }
}
