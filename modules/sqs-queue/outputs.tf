output "name" {
  description = "Name of the queue."
  value       = aws_sqs_queue.this.name
}

output "url" {
  description = "Address to send messages to."
  value       = aws_sqs_queue.this.id
}

output "arn" {
  description = "ARN of the queue."
  value       = aws_sqs_queue.this.arn
}

output "dead_letters_name" {
  description = "Name of the queue for messages that failed too often."
  value       = aws_sqs_queue.dead_letters.name
}

output "dead_letters_url" {
  description = "Address of the queue for messages that failed too often."
  value       = aws_sqs_queue.dead_letters.id
}

output "consume_policy" {
  description = "Policy document (JSON) of somebody who takes messages from the queue and may put new ones in."
  value = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect = "Allow"
      Action = [
        "sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:GetQueueUrl",
        "sqs:ReceiveMessage", "sqs:SendMessage",
      ]
      Resource = [aws_sqs_queue.this.arn]
    }]
  })
}
