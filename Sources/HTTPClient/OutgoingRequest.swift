package import Fabric

/// One request to be made: what goes out, and when to give up.
package struct OutgoingRequest: Sendable {
    /// The methods that are used.
    package enum Method: String, Sendable {
        case get = "GET"
        case head = "HEAD"
        case post = "POST"
        case patch = "PATCH"
        case delete = "DELETE"
    }

    /// A part of a source as the body of a request.
    package struct Body: Sendable {
        /// Where the bytes come from.
        package var source: any EnvelopeSource
        /// The first byte of the source that is sent.
        package var start: Int64
        /// The number of bytes that are sent.
        package var count: Int64

        /// `count` bytes of `source` from `start` on.
        package init(source: any EnvelopeSource, start: Int64, count: Int64) {
            self.source = source
            self.start = start
            self.count = count
        }
    }

    /// What to do.
    package var method: Method
    /// Where: a URL of `http` or `https`. Redirects are never followed.
    package var url: String
    /// Header fields beside those that every request has, in order. Whoever makes the request answers for what is in
    /// them: a line break would begin another field.
    package var headers: [(name: String, value: String)] = []
    /// What to send; nil for nothing. A `POST` without a body announces a length of 0.
    package var body: Body?
    /// How long the whole answer may take once everything is sent.
    package var answerTime: Duration
    /// How long all of it may take, from look-up to the last byte of the answer; nil for as long as something moves.
    package var timeLimit: Duration?
    /// How much of the answer's body is taken, in bytes. What is longer comes back cut.
    package var largestAnswer: Int
    /// Told how many bytes of the body the far side's system has taken. Called on the client's thread.
    package var progress: @Sendable (Int64) -> Void = { _ in }

    /// A request from its parts.
    package init(
        method: Method, url: String, headers: [(name: String, value: String)] = [], body: Body? = nil,
        answerTime: Duration, timeLimit: Duration? = nil, largestAnswer: Int = Answer.usualLimit,
        progress: @escaping @Sendable (Int64) -> Void = { _ in }
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.answerTime = answerTime
        self.timeLimit = timeLimit
        self.largestAnswer = largestAnswer
        self.progress = progress
    }
}
