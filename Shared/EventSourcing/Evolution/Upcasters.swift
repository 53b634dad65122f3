/// What an event says: its type, and data of that type.
public struct EventContent: Hashable, Sendable {
    public var type: String
    public var data: ArraySlice<UInt8>

    public init(type: String, data: ArraySlice<UInt8>) {
        self.type = type
        self.data = data
    }
}

/// How an event of a type that is no longer written is read today: a pure function of its data.
///
/// A new version of a type is a type, with a name of its own: what does not know it must not read
/// it. docs/evolution.md tells how to make one.
public struct Upcaster: Sendable {
    public typealias Function = @Sendable (ArraySlice<UInt8>) throws -> [EventContent]

    /// The type that is no longer written.
    public let type: String
    /// The types that its events become; they may have upcasters themselves.
    public let targets: [String]
    let function: Function

    /// - Parameter function: the contents that the data of one event becomes, of no types but
    ///   `targets`.
    public init(_ type: String, to targets: [String], _ function: @escaping Function) {
        self.type = type
        self.targets = targets
        self.function = function
    }

    /// The type has another name today, and the same data.
    public static func rename(_ type: String, to name: String) -> Upcaster {
        Upcaster(type, to: [name]) { [EventContent(type: name, data: $0)] }
    }

    /// The type means nothing today.
    public static func drop(_ type: String) -> Upcaster { Upcaster(type, to: []) { _ in [] } }
}

/// The upcasters of a contract, one for each type that is no longer written.
public struct Upcasters: Sendable {
    public static let none = Upcasters([])

    private let byType: [String: Upcaster]

    /// - Precondition: no type has two upcasters, and none becomes itself, by whatever way.
    public init(_ upcasters: [Upcaster]) {
        byType = Dictionary(uniqueKeysWithValues: upcasters.map { ($0.type, $0) })
        for upcaster in upcasters {
            precondition(
                !reachable(from: upcaster.targets).contains(upcaster.type),
                "an event of type \(upcaster.type) would be upcast for ever")
        }
    }

    /// The types that are no longer written, in order.
    public var types: [String] { byType.keys.sorted() }

    public subscript(type: String) -> Upcaster? { byType[type] }

    /// What an event that says `content` is today: itself, or what its upcaster makes of it, and
    /// theirs of that, until all are of types that are written.
    ///
    /// - Throws: what an upcaster throws, for data that is not what its type says.
    public func upcast(_ content: EventContent) throws -> [EventContent] {
        guard let upcaster = byType[content.type] else { return [content] }
        return try upcaster.function(content.data).flatMap(upcast)
    }

    /// The types that events of `types` may be found under in a log: those, and all that become
    /// one of them.
    public func sources(of types: [String]) -> [String] {
        let wanted = Set(types)
        return types
            + self.types.filter {
                !wanted.contains($0) && !reachable(from: [$0]).isDisjoint(with: wanted)
            }
    }

    /// What `types` become on their way, themselves included.
    private func reachable(from types: [String]) -> Set<String> {
        var found: Set<String> = []
        var open = types
        while let type = open.popLast() {
            if found.insert(type).inserted { open += byType[type]?.targets ?? [] }
        }
        return found
    }
}
