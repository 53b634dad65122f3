import EventSourcing
import Foundation
import RouteDomain
import Synchronization

/// A planner with the built-in network of hubs and tariff, or with those that it reads from files.
///
/// It reads the files again when a modification date changes, so a change needs no restart. While a
/// file is missing or invalid, every plan fails, because an outdated network or tariff must not
/// decide on new orders. The failed deliveries are retried and become dead letters, which can be
/// redriven.
final class HubNetwork: RoutePlanner {
    private struct Version {
        let modifiedAt: [Date?]
        let planner: NetworkPlanner
    }

    private let file: String?
    private let tariffFile: String?
    private let limitMinutes: Int
    private let current = Mutex<Version?>(nil)

    /// Reads the network and the tariff, so that a bad file stops the service when it starts.
    ///
    /// - Parameters:
    ///   - file: the path of a CSV file of hubs, or nil for the built-in network.
    ///   - tariff: the path of a CSV file of prices, or nil for the built-in tariff.
    ///   - limitMinutes: the longest time that a route may take, in minutes.
    /// - Throws: `DaybookError` if a file can't be read or is invalid.
    init(file: String?, tariff: String?, limitMinutes: Int) throws {
        self.file = file
        tariffFile = tariff
        self.limitMinutes = limitMinutes
        _ = try planner()
    }

    func plan(_ journey: Journey) throws -> RoutePlan { try planner().plan(journey) }

    private func planner() throws -> NetworkPlanner {
        let modifiedAt = try [
            file.flatMap { try modificationDate("network", $0) },
            tariffFile.flatMap { try modificationDate("tariff", $0) },
        ]
        return try current.withLock { current in
            if let current, current.modifiedAt == modifiedAt { return current.planner }
            let planner = NetworkPlanner(
                try network(), tariff: try tariff(), limitMinutes: limitMinutes)
            current = Version(modifiedAt: modifiedAt, planner: planner)
            return planner
        }
    }

    private func modificationDate(_ what: String, _ file: String) throws -> Date? {
        do {
            return try FileManager.default.attributesOfItem(atPath: file)[.modificationDate]
                as? Date
        } catch {
            throw Self.unreadable(what, file)
        }
    }

    private func network() throws -> Network {
        guard let file else {
            return try Network(csv: String(decoding: PackageResources.hubs_csv, as: UTF8.self))
        }
        return try Self.read("network", file) { text throws(DaybookError) in try Network(csv: text)
        }
    }

    private func tariff() throws -> Tariff {
        guard let tariffFile else { return .standard }
        return try Self.read("tariff", tariffFile) { text throws(DaybookError) in
            try Tariff(csv: text)
        }
    }

    private static func read<Value>(
        _ what: String, _ file: String, _ parse: (String) throws(DaybookError) -> Value
    ) throws -> Value {
        let text: String
        do { text = try String(contentsOfFile: file, encoding: .utf8) } catch {
            throw unreadable(what, file)
        }
        do { return try parse(text) } catch {
            throw DaybookError(.invalid, "\(error.description), in \(file)")
        }
    }

    private static func unreadable(_ what: String, _ file: String) -> DaybookError {
        DaybookError(.invalid, "the \(what) \(file) can't be read; it must be a UTF-8 file")
    }
}
