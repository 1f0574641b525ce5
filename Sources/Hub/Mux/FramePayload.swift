internal import Fabric

/// The payload of a frame as it is stored and measured.
struct FramePayload: Sendable {
    /// JSON text, spaced as Python spaces it.
    let text: String
    /// The blob that it refers to.
    let blob: String?
    /// How many bytes count against the class of bandwidth.
    let measure: Int

    /// - Parameter isMeasured: Whether it counts as the peers' server counts it, which escapes what is not ASCII.
    init(_ value: JSONDocument, isMeasured: Bool) {
        text = value.text(.spaced)
        blob = value["blob_id"]?.text
        measure = isMeasured ? value.length(.python) : text.utf8.count
    }

    private init(text: String) {
        (self.text, blob, measure) = (text, nil, text.utf8.count)
    }

    /// What a WebSocket sends where it names no payload.
    static let empty = FramePayload(text: "\"\"")
}

/// The metadata of a channel.
struct ChannelMetadata: Sendable {
    let text: String
    let keepsOpen: Bool

    init(_ value: JSONDocument) {
        text = value.text(.spaced)
        keepsOpen = value["keep_open"]?.bool ?? false
    }
}
