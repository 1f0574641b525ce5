internal import Fabric
internal import HTTPClient
internal import HubClient

/// Asks a peer's server again and again whether there is something for an agent (`mux.md`, section 5.1), by the rules of
/// section 5.2.
struct PeerMailboxReader: Sendable {
    let client: HubClient
    let agent: HubAgent
    let configuration: MuxCarrierConfiguration

    private var mailbox: PeerMailbox {
        PeerMailbox.shared(
            PeerMailbox.Key(
                address: client.address, agent: agent, intent: configuration.intent, file: configuration.seenFile))
    }

    /// A channel as the list has it.
    private struct Listed: Sendable {
        let id: String
        let sender: String?
        let isOpen: Bool
        let framesSent: Int64
    }

    /// The next frame that can be an envelope.
    func next() async throws(CarrierError) -> PeerArrival {
        let mailbox = mailbox
        try await writing { () throws(SystemFailure) in try mailbox.load() }
        while true {
            for channel in try await channels() {
                if let arrival = try await arrival(from: channel) { return arrival }
            }
            do { try await Task.sleep(for: configuration.pollInterval) } catch {
                throw MuxConversation.cancelled(client)
            }
        }
    }

    private func channels() async throws(CarrierError) -> [Listed] {
        let query = "?target=\(agent.name.asQueryValue)&intent=\(configuration.intent.asQueryValue)&include_closed=true"
        let answer = try client.object(
            try await client.ask(.get, "/api/mux/by-target" + query, largestAnswer: configuration.largestFrame))
        guard let list = answer["channels"]?.list else { throw client.unexpected("has no list of channels") }
        var channels: [Listed] = []
        for item in list {
            // The filter is the server's to apply, and a look costs little.
            guard let id = item["id"]?.text, MuxConversation.isChannel(id), let sent = item["frames_sent"]?.integer,
                item["intent"].map({ $0.text == configuration.intent }) ?? true
            else { continue }
            channels.append(
                Listed(
                    id: id, sender: item["agent"]?.text, isOpen: item["state"]?.text == "open",
                    framesSent: max(0, min(sent, SeenFrames.numbers.upperBound))))
        }
        let (mailbox, ids) = (mailbox, Set(channels.map(\.id)))
        try await writing { () throws(SystemFailure) in try mailbox.keep(only: ids) }
        return channels
    }

    /// The first frame of a channel that is nobody's yet; nil when there is none.
    private func arrival(from channel: Listed) async throws(CarrierError) -> PeerArrival? {
        guard channel.framesSent > mailbox[channel.id].floor else {
            // Closing it may have failed when its last frame was dealt with.
            if channel.isOpen, channel.framesSent > 0 { await close(channel.id) }
            return nil
        }
        let answer = try await client.ask(
            .get, "/api/mux/channel/\(channel.id)", largestAnswer: configuration.largestFrame)
        if answer.status == 404 { return nil }
        guard !answer.answer.isCut else { return try await passOverAll(of: channel) }
        let state = try client.object(answer)
        let frames = state["recent_frames"]?.list ?? []
        try await noteLost(channel, shown: frames)
        for frame in frames {
            guard let seq = Self.number(of: frame) else { continue }
            let place = PeerMailbox.Place(channel: channel.id, seq: seq)
            guard mailbox.hold(place) else { continue }
            switch MuxFrame.read(frame["payload"], trustsSize: false) {
            case .envelope(let frame): return arrival(frame, at: place, in: channel)
            case .foreign: try await finish(place, of: channel.framesSent)
            case .unusable(let reason): try await passOver(place, channel, reason)
            }
        }
        return nil
    }

    /// The number of a frame; nil for what cannot be one.
    private static func number(of frame: JSONValue) -> Int64? {
        frame["seq"]?.integer.flatMap { SeenFrames.numbers.contains($0) ? $0 : nil }
    }

    private func arrival(_ frame: MuxFrame, at place: PeerMailbox.Place, in channel: Listed) -> PeerArrival {
        PeerArrival(frame, at: place, of: channel.framesSent, sender: channel.sender, reader: self)
    }

    /// Frames that the server does not show any more, in front of those that it shows, are gone for good.
    private func noteLost(_ channel: Listed, shown frames: [JSONValue]) async throws(CarrierError) {
        guard let first = frames.compactMap(Self.number).min() else { return }
        let (mailbox, floor) = (mailbox, mailbox[channel.id].floor)
        guard first > floor else { return }
        let count = (floor..<first).count - mailbox[channel.id].beyond.count { $0 < first }
        try await writing { () throws(SystemFailure) in try mailbox.giveUp(channel.id, below: first) }
        configuration.report(
            .framesLost(channel: channel.id, sender: channel.sender, first: floor, count: Int64(count)))
    }

    /// Frames that are too large to be looked at must not stand in the way of other channels.
    private func passOverAll(of channel: Listed) async throws(CarrierError) -> PeerArrival? {
        let mailbox = mailbox
        let floor = mailbox[channel.id].floor
        try await writing { () throws(SystemFailure) in try mailbox.giveUp(channel.id, below: channel.framesSent) }
        configuration.report(
            .frameRejected(
                channel: channel.id, seq: floor, sender: channel.sender,
                reason: "the server's answer has more than \(configuration.largestFrame) bytes"))
        return nil
    }

    private func passOver(
        _ place: PeerMailbox.Place, _ channel: Listed, _ reason: String
    ) async throws(CarrierError) {
        try await finish(place, of: channel.framesSent)
        configuration.report(
            .frameRejected(channel: place.channel, seq: place.seq, sender: channel.sender, reason: reason))
    }

    /// Remembers that a frame was dealt with, and closes the channel when all that it was seen to have were. Frames that
    /// came since are shown of a closed channel as well.
    func finish(_ place: PeerMailbox.Place, of framesSent: Int64) async throws(CarrierError) {
        let mailbox = mailbox
        try await writing { () throws(SystemFailure) in try mailbox.finish(place) }
        if mailbox[place.channel].floor >= framesSent { await close(place.channel) }
    }

    /// Gives a frame back.
    func release(_ place: PeerMailbox.Place, after time: Duration) { mailbox.release(place, after: time) }

    private func close(_ channel: String) async {
        _ = try? await client.ask(
            .post, "/api/mux/close", ["channel_id": .text(channel), "reason": "consumer_received"],
            timeLimit: .seconds(10))
    }

    private func writing<Value: Sendable>(
        _ body: @escaping @Sendable () throws(SystemFailure) -> Value
    ) async throws(CarrierError) -> Value {
        do throws(SystemFailure) {
            return try await BlockingCall.run { _ throws(SystemFailure) in try body() }
        } catch {
            throw CarrierError(
                .misconfigured, .waitForPerson,
                "\(client.purpose): what was received cannot be remembered: \(error.explanation)",
                remedy: error.remedy)
        }
    }
}
