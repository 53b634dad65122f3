#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The encoding of commands, events and views: JSON with sorted keys, so that equal values have
/// equal bytes.
public enum JSON {
    /// Returns the value as JSON.
    public static func encode(_ value: some Encodable) throws -> [UInt8] {
        Array(try encoder.encode(value))
    }

    /// Returns the value that the JSON holds.
    public static func decode<Value: Decodable>(
        _ type: Value.Type = Value.self, from bytes: ArraySlice<UInt8>
    ) throws -> Value {
        try decoder.decode(type, from: Data(bytes))
    }

    private static let decoder = JSONDecoder()
    private static let encoder: JSONEncoder = {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }()
}
