public import EventSourcing

/// Hubs and the lanes between them.
///
/// Lanes are built by a rule. Each hub is linked with its four nearest neighbours, by road up to
/// 600 km and by feeder flight beyond. The first hub listed of each country is its major hub. Major
/// hubs are linked with each other by trunk flights of up to 9,500 km. Lanes go both ways.
public struct Network: Sendable {
    /// The means of transport on a lane, with its speed.
    public enum Mode: String, Hashable, Sendable {
        /// By truck, by a flight between neighbours, or by a flight between major hubs.
        case road, feeder, trunk

        var kilometersPerHour: Double { self == .road ? 70 : 780 }
        /// The time for waiting and loading on each lane.
        var handlingMinutes: Int { self == .road ? 120 : 360 }
    }

    /// A one-way connection from one hub to another.
    public struct Lane: Hashable, Sendable {
        /// The index of the hub to which the lane leads.
        public let to: Int
        /// The means of transport.
        public let mode: Mode
        /// The length in kilometres.
        public let kilometers: Double
        /// The travel time in minutes, including handling.
        public let minutes: Int

        init(to: Int, mode: Mode, kilometers: Double) {
            (self.to, self.mode, self.kilometers) = (to, mode, kilometers)
            minutes =
                mode.handlingMinutes + Int((kilometers / mode.kilometersPerHour * 60).rounded(.up))
        }

        /// Returns the cost of `quantity` items in minor units: the handling, and a part by
        /// distance.
        func cost(of quantity: Int, at prices: Tariff.Prices) -> Int64 {
            let distance = kilometers / 100 * prices.rate(mode) * Double(quantity)
            let cost = Double(prices.handling) + distance.rounded(.up)
            return Int64(min(max(cost, 0), 9e15))
        }
    }

    static let neighbours = 4
    static let longestRoad = 600.0
    static let longestTrunk = 9500.0

    /// The hubs, in the order of the file.
    public let hubs: [Hub]
    /// The lanes that start at each hub, by the index of the hub.
    public let lanes: [[Lane]]
    private let indices: [String: Int]

    /// Reads the hubs from comma-separated values and builds the lanes.
    ///
    /// - Parameter text: lines of code, name, city, country, latitude, longitude and timezone, with
    ///   a header of these names.
    /// - Throws: `invalid` for an invalid line.
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

    /// Returns the index of the hub with this code, or nil if no hub has it.
    public func index(of code: String) -> Int? { indices[code] }
}
