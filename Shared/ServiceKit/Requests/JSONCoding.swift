import EventSourcing
import EventStoreClient
public import Foundation
public import WireProtocol

/// How JSON is written on the wire and for machines: keys in order, slashes as they are.
public enum JSONCoding {
    public static var encoder: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }

    /// - Throws: `ProtocolError` that says what is wrong with it.
    public static func decode<Value: Decodable>(
        _ type: Value.Type, _ data: Data
    ) throws -> Value {
        do {
            return try JSONDecoder().decode(type, from: data)
        } catch let error as DecodingError {
            throw ProtocolError(.invalid, "the argument is not a \(type): \(error.oneLine)")
        } catch let error as any InputError {
            throw ProtocolError(.invalid, "the argument is not a \(type): \(error)")
        }
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

    /// As `rules[0].targets`.
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

extension ProtocolError {
    /// The refusal that tells a client of `error`.
    public init(describing error: any Error) {
        switch error {
        case let error as ProtocolError: self = error
        case let error as NameError: self.init(.invalid, error.description)
        case let error as any InputError: self.init(.refused, error.description)
        case let error as Unavailable: self.init(.unavailable, error.description)
        case let error as ProjectionStopped: self.init(.unavailable, error.description)
        case let error as UnknownEvent: self.init(.unavailable, error.description)
        case is CancellationError: self.init(.unavailable, "the process is stopping; try again")
        default: self.init(.internal, "\(error)")
        }
    }
}
