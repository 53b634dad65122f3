/// The content of an event: its type, and data of that type.
public struct EventContent: Hashable, Sendable {
    /// The name of the type.
    public var type: String
    /// The data.
    public var data: ArraySlice<UInt8>

    /// Creates the content of an event.
    public init(type: String, data: ArraySlice<UInt8>) {
        self.type = type
        self.data = data
    }
}

/// Converts events of a type that is no longer written into current types, as a pure function of
/// the data.
///
/// A new version of a type is a new type with its own name, so that code that does not know it does
/// not read it. docs/evolution.md explains how to make one.
public struct Upcaster: Sendable {
    /// Converts the data of one event into any number of contents.
    public typealias Function = @Sendable (ArraySlice<UInt8>) throws -> [EventContent]

    /// The type that is no longer written.
    public let type: String
    /// The types that its events become. They may have upcasters, too.
    public let targets: [String]
    let function: Function

    /// Creates an upcaster.
    ///
    /// - Parameter function: converts the data of one event into contents of the types in
    ///   `targets`.
    public init(_ type: String, to targets: [String], _ function: @escaping Function) {
        self.type = type
        self.targets = targets
        self.function = function
    }

    /// Returns the upcaster of a type that has another name today, and the same data.
    public static func rename(_ type: String, to name: String) -> Upcaster {
        Upcaster(type, to: [name]) { [EventContent(type: name, data: $0)] }
    }

    /// Returns the upcaster of a type that means nothing today.
    public static func drop(_ type: String) -> Upcaster { Upcaster(type, to: []) { _ in [] } }
}

/// The upcasters of a contract, one for each type that is no longer written.
public struct Upcasters: Sendable {
    /// No upcasters.
    public static let none = Upcasters([])

    private let byType: [String: Upcaster]

    /// Creates the upcasters of a contract.
    ///
    /// - Precondition: no type has two upcasters, and no type becomes itself in any number of
    ///   steps.
    public init(_ upcasters: [Upcaster]) {
        byType = Dictionary(uniqueKeysWithValues: upcasters.map { ($0.type, $0) })
        for upcaster in upcasters {
            precondition(
                !reachable(from: upcaster.targets).contains(upcaster.type),
                "an event of type \(upcaster.type) would be upcast for ever")
        }
    }

    /// The types that are no longer written, sorted by name.
    public var types: [String] { byType.keys.sorted() }

    /// The upcaster of a type, or nil.
    public subscript(type: String) -> Upcaster? { byType[type] }

    /// Returns what `content` is in current types.
    ///
    /// It applies upcasters until all types are current ones.
    ///
    /// - Throws: what an upcaster throws for data that does not fit its type.
    public func upcast(_ content: EventContent) throws -> [EventContent] {
        guard let upcaster = byType[content.type] else { return [content] }
        return try upcaster.function(content.data).flatMap(upcast)
    }

    /// Returns the types whose events are, or become, one of `types`.
    public func sources(of types: [String]) -> [String] {
        let wanted = Set(types)
        return types
            + self.types.filter {
                !wanted.contains($0) && !reachable(from: [$0]).isDisjoint(with: wanted)
            }
    }

    /// Returns `types` and everything that they become.
    private func reachable(from types: [String]) -> Set<String> {
        var found: Set<String> = []
        var open = types
        while let type = open.popLast() {
            if found.insert(type).inserted { open += byType[type]?.targets ?? [] }
        }
        return found
    }
}
