import Contracts
import EventSourcing
import Testing

/// The format of every event. Existing logs must stay readable, so a format may change only
/// together with an upcaster.
struct `Event formats` {
    @Test(arguments: Sample.all)
    func `Event is written in the format of existing logs`(_ sample: Sample) throws {
        #expect(String(decoding: try sample.event.encoded(), as: UTF8.self) == sample.text)
        #expect(sample.event.type == sample.type)
        #expect(sample.event.tags == sample.tags)
    }

    @Test(arguments: Sample.all)
    func `Event in the format of existing logs is read`(_ sample: Sample) throws {
        let data = Array(sample.text.utf8)
        let family = type(of: sample.event)
        let read = try #require(try family.init(type: sample.type, data: data[...]))
        #expect(try read.encoded() == data)
        #expect(read.type == sample.type)
        #expect(family.categories == [sample.category])
    }

    @Test func `Every event type has a sample`() {
        let types =
            OrderEvent.types + RouteEvent.types + AccountEvent.types + CreditLimitEvent.types
        #expect(Set(Sample.all.map(\.type)) == Set(types))
        #expect(Set(types).count == types.count)
    }

    @Test func `Event family does not know the types of other families`() throws {
        #expect(try OrderEvent(type: "RouteCreated", data: []) == nil)
    }

    @Test func `Error names the type whose data can't be read`() {
        let error = #expect(throws: DaybookError.self) {
            _ = try OrderEvent(type: "OrderConfirmed", data: Array(#"{"order":"o1"}"#.utf8)[...])
        }
        #expect(error?.kind == .unreadable)
        #expect(error?.description.hasPrefix("the data of this OrderConfirmed can't") == true)
    }

    @Test(arguments: [
        #"{"customer":"c1","limit":{"amount":1,"currency":"XYZ"}}"#,
        #"{"customer":"c1","limit":{"amount":9007199254740992,"currency":"USD"}}"#,
        #"{"customer":"c1","limit":{"amount":1.5,"currency":"USD"}}"#,
    ])
    func `Event with invalid money is rejected`(_ text: String) {
        let error = #expect(throws: DaybookError.self) {
            _ = try CreditLimitEvent(type: "CreditLimitSet", data: Array(text.utf8)[...])
        }
        #expect(error?.kind == .unreadable)
    }

    @Test(arguments: ["account-p1", "account-zzz", "order-p1", "account"])
    func `Event is read only in the stream that its data names`(_ stream: String) throws {
        let data = Array(
            #"{"account":"p1","currency":"USD","openedAt":"2026-01-31T12:00:00Z"}"#.utf8)
        let name = try StreamName(stream)
        if stream == "account-p1" {
            #expect(try AccountEvent(type: "AccountOpened", data: data[...], in: name) != nil)
            return
        }
        let error = #expect(throws: DaybookError.self) {
            _ = try AccountEvent(type: "AccountOpened", data: data[...], in: name)
        }
        #expect(error?.kind == .unreadable)
        #expect(error?.description == "its data belongs to stream account-p1")
    }

    @Test func `Event with unknown fields of later versions is read`() throws {
        let text = #"{"customer":"c1","order":"o1","since":"2031"}"#
        #expect(
            try OrderEvent(type: "OrderConfirmed", data: Array(text.utf8)[...])
                == .confirmed(OrderConfirmed(order: "o1", customer: "c1")))
    }
}
