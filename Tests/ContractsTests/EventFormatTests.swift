import Contracts
import EventSourcing
import Testing

/// The format of every event, as it stands in logs that must stay readable: texts that change only
/// if an upcaster comes with the change.
struct EventFormatTests {
    @Test(arguments: Sample.all)
    func `writes an event as the log holds it`(_ sample: Sample) throws {
        #expect(String(decoding: try sample.event.encoded(), as: UTF8.self) == sample.text)
        #expect(sample.event.type == sample.type)
        #expect(sample.event.tags == sample.tags)
    }

    @Test(arguments: Sample.all)
    func `reads an event that the log holds`(_ sample: Sample) throws {
        let data = Array(sample.text.utf8)
        let family = type(of: sample.event)
        let read = try #require(try family.init(type: sample.type, data: data[...]))
        #expect(try read.encoded() == data)
        #expect(read.type == sample.type)
        #expect(family.categories == [sample.category])
    }

    @Test func `has a sample of every type`() {
        let types =
            OrderEvent.types + RouteEvent.types + AccountEvent.types + CreditLimitEvent.types
        #expect(Set(Sample.all.map(\.type)) == Set(types))
        #expect(Set(types).count == types.count)
    }

    @Test func `does not know the types of other families`() throws {
        #expect(try OrderEvent(type: "RouteCreated", data: []) == nil)
    }

    @Test func `names the type whose data can't be read`() {
        let error = #expect(throws: EventDataError.self) {
            _ = try OrderEvent(type: "OrderConfirmed", data: Array(#"{"order":"o1"}"#.utf8)[...])
        }
        #expect(error?.type == "OrderConfirmed")
        #expect(error?.description.contains("OrderConfirmed") == true)
    }

    @Test(arguments: [
        #"{"customer":"c1","limit":{"amount":1,"currency":"XYZ"}}"#,
        #"{"customer":"c1","limit":{"amount":9007199254740992,"currency":"USD"}}"#,
        #"{"customer":"c1","limit":{"amount":1.5,"currency":"USD"}}"#,
    ])
    func `reads no money that is none`(_ text: String) {
        #expect(throws: EventDataError.self) {
            _ = try CreditLimitEvent(type: "CreditLimitSet", data: Array(text.utf8)[...])
        }
    }

    @Test func `reads fields that later versions may add`() throws {
        let text = #"{"customer":"c1","order":"o1","since":"2031"}"#
        #expect(
            try OrderEvent(type: "OrderConfirmed", data: Array(text.utf8)[...])
                == .confirmed(OrderConfirmed(order: "o1", customer: "c1")))
    }
}
