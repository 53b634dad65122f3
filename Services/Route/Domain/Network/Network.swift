public import EventSourcing

/// Hubs and the lanes between them.
///
/// Lanes are built by a rule. Each hub is linked with its four nearest neighbours: by road up to
/// 600 km, by a feeder flight beyond. The first hub listed of each country is its major one; majors
/// are linked with each other by trunk flights of up to 9,500 km. Lanes go both ways.
public struct Network: Sendable {
    /// How a lane is travelled, and what that takes.
    public enum Mode: String, Hashable, Sendable {
        case road, feeder, trunk

        var kilometersPerHour: Double { self == .road ? 70 : 780 }
        /// Waiting and loading, on each lane.
        var handlingMinutes: Int { self == .road ? 120 : 360 }
        /// Minor units for each item and 100 km.
        var rate: Double {
            switch self {
            case .road: 6
            case .feeder: 14
            case .trunk: 9
            }
        }
    }

    public struct Lane: Hashable, Sendable {
        /// Index of the hub it leads to.
        public var to: Int
        public var mode: Mode
        public var kilometers: Double
        public var minutes: Int

        init(to: Int, mode: Mode, kilometers: Double) {
            self.to = to
            self.mode = mode
            self.kilometers = kilometers
            minutes =
                mode.handlingMinutes + Int((kilometers / mode.kilometersPerHour * 60).rounded(.up))
        }

        /// What `quantity` items cost on it, in minor units: 50 for the handling, and by distance.
        public func cost(of quantity: Int) -> Int64 {
            let cost = 50 + (kilometers / 100 * mode.rate * Double(quantity)).rounded(.up)
            return Int64(min(max(cost, 0), 9e15))
        }
    }

    static let neighbours = 4
    static let longestRoad = 600.0
    static let longestTrunk = 9500.0

    public let hubs: [Hub]
    /// By the index of the hub they start from.
    public let lanes: [[Lane]]
    private let indices: [String: Int]

    /// Reads the hubs from comma-separated values: code, name, city, country, latitude, longitude,
    /// timezone, with that header.
    public init(csv text: String) throws(DaybookError) { self.init(hubs: try Hub.parse(text)) }

    init(hubs: [Hub]) {
        var lanes = Array(repeating: [Int: Lane](), count: hubs.count)
        func link(_ a: Int, _ b: Int, _ mode: Mode, _ kilometers: Double) {
            guard a != b, lanes[a][b] == nil else { return }
            lanes[a][b] = Lane(to: b, mode: mode, kilometers: kilometers)
            lanes[b][a] = Lane(to: a, mode: mode, kilometers: kilometers)
        }
        for (index, hub) in hubs.enumerated() {
            let others = hubs.indices.filter { $0 != index }
                .map { (hub: $0, kilometers: hub.distance(to: hubs[$0])) }
                .sorted { ($0.kilometers, $0.hub) < ($1.kilometers, $1.hub) }
            for other in others.prefix(Self.neighbours) {
                let mode: Mode = other.kilometers <= Self.longestRoad ? .road : .feeder
                link(index, other.hub, mode, other.kilometers)
            }
        }
        var countries: Set<String> = []
        let majors = hubs.indices.filter { countries.insert(hubs[$0].country).inserted }
        for a in majors {
            for b in majors where b > a {
                let kilometers = hubs[a].distance(to: hubs[b])
                if kilometers <= Self.longestTrunk { link(a, b, .trunk, kilometers) }
            }
        }
        self.init(hubs: hubs, lanes: lanes.map { $0.values.sorted { $0.to < $1.to } })
    }

    init(hubs: [Hub], lanes: [[Lane]]) {
        self.hubs = hubs
        self.lanes = lanes
        indices = Dictionary(uniqueKeysWithValues: hubs.enumerated().map { ($1.code, $0) })
    }

    public func index(of code: String) -> Int? { indices[code] }
}
