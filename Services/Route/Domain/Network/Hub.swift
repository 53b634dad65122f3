import EventSourcing
import Foundation

/// A place that parcels pass through.
public struct Hub: Hashable, Sendable {
    /// The code that orders and lanes use, 1 to 64 bytes.
    public var code: String
    /// The name for people.
    public var name: String
    /// The country, as the network file states it.
    public var country: String
    /// The latitude, in degrees north.
    public var latitude: Double
    /// The longitude, in degrees east.
    public var longitude: Double

    /// Returns the great-circle distance in kilometres, by the haversine formula on a sphere of
    /// 6,371 km.
    public func distance(to other: Hub) -> Double {
        let radians = Double.pi / 180
        let north = (other.latitude - latitude) * radians / 2
        let east = (other.longitude - longitude) * radians / 2
        let chord =
            sin(north) * sin(north) + cos(latitude * radians) * cos(other.latitude * radians)
            * sin(east) * sin(east)
        return 2 * 6371 * asin(min(1, chord.squareRoot()))
    }
}

extension Hub {
    static let columns = ["code", "name", "city", "country", "latitude", "longitude", "timezone"]

    /// Reads hubs from comma-separated values with the columns above. The format is RFC 4180,
    /// except that a field has no line break.
    static func parse(_ text: String) throws(DaybookError) -> [Hub] {
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        guard fields(of: lines[0]) == columns else {
            throw invalid(1, "the columns are \(columns.joined(separator: ","))")
        }
        var hubs: [Hub] = []
        var codes: Set<String> = []
        for (index, line) in lines.enumerated().dropFirst() where !line.isEmpty {
            let hub = try parse(fields(of: line), line: index + 1)
            guard codes.insert(hub.code).inserted else {
                throw invalid(index + 1, "hub \(hub.code) is listed twice")
            }
            hubs.append(hub)
        }
        guard !hubs.isEmpty else { throw invalid(1, "there are no hubs") }
        return hubs
    }

    private static func invalid(_ line: Int, _ reason: String) -> DaybookError {
        DaybookError(.invalid, "line \(line) of the network: \(reason)")
    }

    /// Returns the fields of a line. A quoted field may hold commas and doubled quotes.
    private static func fields(of line: Substring) -> [String] {
        var fields = [""]
        var isQuoted = false
        var previous: Character?
        for character in line {
            switch character {
            case "\"":
                // The second of two quotes within quotes stands for one.
                if !isQuoted, previous == "\"" { fields[fields.count - 1].append("\"") }
                isQuoted.toggle()
            case "," where !isQuoted: fields.append("")
            default: fields[fields.count - 1].append(character)
            }
            previous = character
        }
        return fields
    }

    private static func parse(_ fields: [String], line: Int) throws(DaybookError) -> Hub {
        guard fields.count == columns.count else {
            throw invalid(line, "it has \(fields.count) fields, not \(columns.count)")
        }
        guard let latitude = Double(fields[4]), (-90...90).contains(latitude),
            let longitude = Double(fields[5]), (-180...180).contains(longitude)
        else {
            throw invalid(line, "'\(fields[4])', '\(fields[5])' are not degrees north and east")
        }
        guard (1...64).contains(fields[0].utf8.count) else {
            throw invalid(line, "a code must have 1 to 64 bytes, not \(fields[0].utf8.count)")
        }
        return Hub(
            code: fields[0], name: fields[1], country: fields[3], latitude: latitude,
            longitude: longitude)
    }
}
