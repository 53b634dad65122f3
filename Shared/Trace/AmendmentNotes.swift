public import EventSourcing
import JSON
import WireProtocol

/// Remarks on amendments for people.
public enum AmendmentNotes {
    /// Returns a note on an event that is amended, or that amends another; nil for other events.
    public static func note(on event: RecordedEvent) -> String? {
        if event.isSkipped { return "skipped since its amendment: readers do not use it" }
        if event.isAmended { return "amended: readers get other data than was appended" }
        guard event.category == AmendmentEventType.category else { return nil }
        if let data = try? EventAmended(event.data) {
            let what = data.amendment == .skip ? "skips" : "amends"
            return "\(what) position \(data.position) by \(data.by): \(data.reason)"
        }
        if let data = try? JSON.decode(AmendmentUndone.self, from: event.data) {
            return "undoes the amendment of position \(data.position) by \(data.by): "
                + data.reason
        }
        return "its data can't be read"
    }
}
