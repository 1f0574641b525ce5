import CarrierIPoll
import Fabric
import Testing

/// Messages in every spelling that servers have.
@Suite("I-Poll messages")
struct MessageTests {
    private func message(_ text: String) throws -> PollMessage? { PollMessage(try JSONValue(parsing: text)) }

    @Test("The short spelling, the long one, and the pages' one are the same message")
    func spellings() throws {
        let texts = [
            #"{"id":"m1","from":"a","to":"b","type":"TASK","content":"c","created_at":"t","status":"pending"}"#,
            #"{"id":"m1","from_agent":"a","to_agent":"b","poll_type":"TASK","content":"c","created_at":"t"}"#,
            #"{"message_id":"m1","from":"a","to":"b","poll_type":"TASK","content":"c","timestamp":"t","read":false}"#,
        ]
        for text in texts {
            let message = try #require(try message(text))
            #expect(message.id == "m1" && message.sender == "a" && message.recipient == "b")
            #expect(message.type == .task && message.content == "c" && message.createdAt == "t")
        }
    }

    @Test("Where both spellings are there, the short one counts")
    func shortFirst() throws {
        let text =
            #"{"id":"1","message_id":"2","from":"a","from_agent":"x","to":"b","to_agent":"y","type":"ACK","poll_type":"PUSH"}"#
        let message = try #require(try message(text))
        #expect(message.id == "1" && message.sender == "a" && message.recipient == "b" && message.type == .ack)
    }

    @Test("Null metadata, unknown keys and unknown types do not matter")
    func tolerance() throws {
        let message = try #require(
            try message(#"{"id":"1","type":"FLARE","metadata":null,"session_id":null,"novelty":[1]}"#))
        #expect(message.type == .other("FLARE") && message.type.description == "FLARE")
        #expect(message.metadata.members.isEmpty && message.session == nil)
        #expect(message.raw["novelty"]?.list?.count == 1)
        #expect(try self.message(#"{"id":"1"}"#)?.type == .push)
    }

    @Test("What has no id is no message", arguments: ["{}", "[]", "1", #"{"id":7}"#, #"{"id":""}"#])
    func noID(text: String) throws { #expect(try message(text) == nil) }

    @Test(
        "The kind follows from the metadata",
        arguments: [
            (#"{"upip_fork":true,"envelope_name":"x"}"#, PollKind.fork), (#"{"upip_fork":"yes"}"#, .fork),
            (#"{"upip_fork":false}"#, .message), (#"{"upip_fork":0,"tibet_flare":1}"#, .flare),
            (#"{"upip_fork":"","envelope_name":"x.tza"}"#, .envelope), (#"{"envelope_name":null}"#, .message),
            ("{}", .message), ("null", .message),
        ])
    func kind(metadata: String, kind: PollKind) throws {
        #expect(try message(#"{"id":"1","metadata":\#(metadata)}"#)?.kind == kind)
    }

    @Test("What the peers' client read from recorded answers, ours reads as well")
    func recorded() throws {
        var compared = 0
        for call in try RecordedCall.all() where call.call.hasPrefix("IPoll.pull()") || call.call.contains("history") {
            guard let results = call.result?.list else { continue }
            let polls = call.answer["polls"]?.list ?? []
            let messages = polls.compactMap { PollMessage($0) }
            #expect(messages.count == results.count)
            for (message, result) in zip(messages, results) {
                #expect(message.id == result["id"]?.text && message.sender == result["from_agent"]?.text)
                #expect(message.recipient == result["to_agent"]?.text && message.content == result["content"]?.text)
                #expect(message.type.description == result["poll_type"]?.text)
                compared += 1
            }
        }
        #expect(compared >= 4)
    }
}
